import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { readTorchFields, readTorchWeights } from '../../src/formats/torch-checkpoint.js';
import { temporaryFile } from '../support/temporary-folder.js';

const golden = fileURLToPath(
  new URL('../goldens/segment/nnunet-model/fold_0/checkpoint_final.pth', import.meta.url),
);

interface Entry {
  readonly name: string;
  readonly bytes: Buffer;
  readonly method?: number;
  /** Place in the file of the entry that it shares its bytes with. */
  readonly sameAs?: number;
}

/** A zip file whose entries are stored as they are (APPNOTE.TXT 4.3). */
function zip(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  const offsets: number[] = [];
  let end = 0;
  for (const { name, bytes, method = 0, sameAs } of entries) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(bytes.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const offset = sameAs === undefined ? end : offsets[sameAs];
    offsets.push(offset);
    if (sameAs === undefined) {
      const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), bytes]);
      parts.push(local);
      end += local.length;
    }
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, tail, Buffer.from(name)]),
    );
  }
  const central = Buffer.concat(directory);
  const last = Buffer.alloc(18);
  last.writeUInt16LE(entries.length, 4);
  last.writeUInt16LE(entries.length, 6);
  last.writeUInt32LE(central.length, 8);
  last.writeUInt32LE(end, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06'), last]);
}

const text = (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`;
const numbers = (values: readonly number[]) =>
  `(${values.map((n) => `K${String.fromCharCode(n)}`).join('')}t`;

interface Tensor {
  readonly make?: string;
  readonly type?: string;
  readonly key?: string;
  readonly count?: number;
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
}

/** A tensor as torch.save puts it. */
function tensor({
  make = '_rebuild_tensor_v2',
  type = 'FloatStorage',
  key = '0',
  count = 6,
  offset = 0,
  shape = [2, 3],
  strides = [3, 1],
}: Tensor = {}): string {
  const storage =
    `(${text('storage')}ctorch\n${type}\n${text(key)}${text('cpu')}` +
    `K${String.fromCharCode(count)}tQ`;
  return (
    `ctorch._utils\n${make}\n(${storage}K${String.fromCharCode(offset)}` +
    `${numbers(shape)}${numbers(strides)}\x89ccollections\nOrderedDict\n)RtR`
  );
}

const six = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const pickled = (weights: string) =>
  Buffer.from(`\x80\x02}${text('weights')}}${weights}s.`, 'latin1');
const entry = (name: string, bytes: Buffer | string, more: Partial<Entry> = {}): Entry => ({
  name: `model/${name}`,
  bytes: Buffer.from(bytes as string, 'latin1'),
  ...more,
});
const checkpoint = (weights: string, ...more: Entry[]) =>
  zip([entry('data.pkl', pickled(weights)), ...(more.length > 0 ? more : [entry('data/0', six)])]);
const named = (name: string, of: Tensor = {}) => `${text(name)}${tensor(of)}s`;

const read = (bytes: Uint8Array) => readTorchWeights(temporaryFile('model.pth', bytes), 'weights');

describe('a checkpoint of PyTorch', () => {
  it('gives its weights, of which two names may share one array', async () => {
    const weights = await read(
      checkpoint(
        named('a') +
          named('again') +
          named('part', { offset: 2, shape: [1, 4], strides: [9, 1] }) +
          named('one', { offset: 5, shape: [], strides: [] }),
      ),
    );
    expect(weights.get('a')).toEqual({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
    expect(weights.get('again')!.data).toBe(weights.get('a')!.data);
    expect(weights.get('part')).toEqual({ shape: [1, 4], data: Float32Array.of(3, 4, 5, 6) });
    expect(weights.get('one')).toEqual({ shape: [], data: Float32Array.of(6) });
  });

  it('is read as nnU-Net saves it', async () => {
    const fields = await readTorchFields(golden);
    expect(fields.get('trainer_name')).toBe('nnUNetTrainer');
    const weights = await readTorchWeights(golden, 'network_weights');
    const name = 'encoder.stages.0.0.convs.0';
    expect(weights.get(`${name}.conv.weight`)!.shape).toEqual([4, 2, 1, 3, 3]);
    expect(weights.get(`${name}.all_modules.0.weight`)!.data).toBe(
      weights.get(`${name}.conv.weight`)!.data,
    );
  });

  it.each<[string, Buffer]>([
    ['is empty', Buffer.alloc(0)],
    ['is a pickle without a zip file, as PyTorch wrote before 1.6', pickled(named('a'))],
    ['holds no data.pkl', zip([entry('data/0', six)])],
    [
      'holds two of them',
      zip([entry('data.pkl', 'N.'), { ...entry('data.pkl', 'N.'), name: 'b/data.pkl' }]),
    ],
    ['holds a name twice', checkpoint('', entry('data/0', six), entry('data/0', six))],
    ['holds no dictionary', zip([entry('data.pkl', '\x80\x02N.')])],
    ['holds none of the name', zip([entry('data.pkl', '\x80\x02}.')])],
    ['holds something else than tensors', checkpoint(`${text('a')}K\x01s`)],
    ['calls another function', checkpoint(named('a', { make: '_rebuild_parameter' }))],
    ['holds other numbers', checkpoint(named('a', { type: 'HalfStorage' }))],
    ['lacks a storage', checkpoint(named('a', { key: '1' }))],
    ['names a storage like a path', checkpoint(named('a', { key: '../0' }))],
    ['has more numbers than it says', checkpoint(named('a', { count: 5 }))],
    ['has a tensor beyond its storage', checkpoint(named('a', { offset: 1 }))],
    ['has a transposed tensor', checkpoint(named('a', { shape: [3, 2], strides: [1, 3] }))],
    ['has strides without axes', checkpoint(named('a', { strides: [1] }))],
    ['is compressed', checkpoint(named('a'), entry('data/0', six, { method: 8 }))],
    ['is big-endian', checkpoint(named('a'), entry('data/0', six), entry('byteorder', 'big'))],
    [
      'has entries that share their bytes, so that it grows when it is read',
      checkpoint(
        [...'123456789']
          .map((key) => named(key, { key, count: 250, shape: [250], strides: [1] }))
          .join(''),
        ...[...'123456789'].map((key, index) =>
          entry(`data/${key}`, Buffer.alloc(1000), index > 0 ? { sameAs: 1 } : {}),
        ),
      ),
    ],
    ['is cut off', readFileSync(golden).subarray(0, 60_000)],
  ])('is refused where it %s', async (_, bytes) => {
    await expect(read(bytes)).rejects.toMatchObject({ code: 'bad-model' });
  });

  it.each([
    ['holds other numbers', checkpoint(named('a', { type: 'HalfStorage' })), /single precision/],
    ['holds no dictionary', zip([entry('data.pkl', '\x80\x02N.')]), /nnU-Net itself wrote/],
    ['is cut off', readFileSync(golden).subarray(0, 60_000), /copy it again/],
  ])('comes with other advice where it %s', async (_, bytes, advice) => {
    const details = { advice: expect.stringMatching(advice) };
    await expect(read(bytes)).rejects.toMatchObject({ details });
  });

  it('is not found where it is not', async () => {
    await expect(readTorchFields('nowhere.pth')).rejects.toMatchObject({ code: 'file-not-found' });
  });

  it('never fails in another way, whatever byte is changed', async () => {
    const bytes = checkpoint(named('a') + named('b'));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 0, max: 255 }),
        async (at, value) => {
          const changed = Buffer.from(bytes);
          changed[at] = value;
          try {
            await read(changed);
          } catch (error) {
            expect(error).toBeInstanceOf(DawsonError);
          }
        },
      ),
      { numRuns: 300, seed: 2 },
    );
  });
});
