import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  PickleCall,
  PickleGlobal,
  type PickleValue,
  parsePickle,
} from '../../src/formats/pickle.js';
import { readTorchFields, readTorchWeights } from '../../src/formats/torch-checkpoint.js';
import { pickleBytes } from '../../src/formats/write-pickle.js';
import { torchCheckpointBytes } from '../../src/formats/write-torch-checkpoint.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('pickleBytes', () => {
  it.each<[string, PickleValue]>([
    ['nothing', null],
    ['a truth', true],
    ['an untruth', false],
    ['whole numbers', [0, 1, -1, 255, -(2 ** 31) + 1, 2 ** 31 - 1]],
    ['fractions', [0.1, -1.5e-300, 5e-324]],
    ['texts', ['', 'læsion', 'a\nb']],
    ['empty things', [[], new Map()]],
    ['a dictionary', new Map<PickleValue, PickleValue>([['a', new Map([['b', [1, [2]]]])]])],
    ['a call', new PickleCall(new PickleGlobal('torch._utils.f'), [1, 'x'])],
  ])('is read back: %s', (_, value) => {
    expect(parsePickle(pickleBytes(value), 'a pickle')).toEqual(value);
  });

  it.each<[string, PickleValue]>([
    ['a number beyond four bytes', 2 ** 31],
    ['bytes', Uint8Array.of(1)],
  ])('refuses %s', (_, value) => {
    expect(() => pickleBytes(value)).toThrow(RangeError);
  });
});

describe('torchCheckpointBytes', () => {
  it('is read back, with an array of two names kept once', async () => {
    const path = temporaryFolder();
    const shared = { shape: [2, 1, 3], data: Float32Array.of(1, 2, 3, 4, 5, -6.5) };
    const tensors = new Map([
      ['a.weight', shared],
      ['again.weight', shared],
      ['bias', { shape: [1], data: Float32Array.of(0.25) }],
    ]);
    const others = new Map<string, PickleValue>([['trainer_name', 'nnUNetTrainer']]);
    const bytes = torchCheckpointBytes({ network_weights: tensors }, others);
    writeFileSync(path('a.pth'), bytes);
    expect(await readTorchWeights(path('a.pth'), 'network_weights')).toEqual(tensors);
    expect((await readTorchFields(path('a.pth'))).get('trainer_name')).toBe('nnUNetTrainer');
    expect(Buffer.from(bytes).toString('latin1').split('checkpoint/data/').length - 1).toBe(4);
  });
});
