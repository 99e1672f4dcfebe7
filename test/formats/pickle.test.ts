import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import {
  PickleCall,
  PickleGlobal,
  PicklePersistent,
  parsePickle,
} from '../../src/formats/pickle.js';

/** A pickle of these operations, in Latin-1. */
const parse = (operations: string) =>
  parsePickle(Buffer.from(`\x80\x02${operations}`, 'latin1'), 'p');

describe('a pickle', () => {
  it.each<[string, string, unknown]>([
    ['None', 'N.', null],
    ['truth', '\x88.', true],
    ['falsehood', '\x89.', false],
    ['a byte', 'K\xff.', 255],
    ['two bytes', 'M\x01\x02.', 513],
    ['four bytes with a sign', 'J\xfe\xff\xff\xff.', -2],
    ['a long number', '\x8a\x05\x00\x00\x00\x00\x01.', 2 ** 32],
    ['a long negative number', '\x8a\x02\x00\xff.', -256],
    ['a long 0', '\x8a\x00.', 0],
    ['a float', 'G\x3f\xf8\x00\x00\x00\x00\x00\x00.', 1.5],
    ['text', 'X\x03\x00\x00\x00a\xc3\xa9.', 'aé'],
    ['a list', '](K\x01K\x02eK\x03a.', [1, 2, 3]],
    ['tuples', 'K\x01K\x02\x86\x85.', [[1, 2]]],
    ['a tuple since a mark', '(K\x01K\x02K\x03K\x04t.', [1, 2, 3, 4]],
    [
      'a dictionary',
      '}(K\x01K\x02uK\x03Ns.',
      new Map([
        [1, 2],
        [3, null],
      ] as [number, unknown][]),
    ],
    ['bytes', 'C\x02\xff\x00.', Uint8Array.of(255, 0)],
    ['a set', '\x8f(K\x01K\x02\x90.', [1, 2]],
    ['a frame and a numbered memo', '\x95\x01\0\0\0\0\0\0\0]\x94h\0\x86.', [[], []]],
    ['one value twice', ']q\x05h\x05\x86.', [[], []]],
  ])('of %s is read', (_, operations, value) => {
    expect(parse(operations)).toEqual(value);
  });

  it('keeps what it would import and call as names', () => {
    expect(parse('cos\nsystem\nX\x02\x00\x00\x00ls\x85R.')).toEqual(
      new PickleCall(new PickleGlobal('os.system'), ['ls']),
    );
    expect(parse('ccollections\nOrderedDict\n)RK\x01K\x02sNb.')).toEqual(new Map([[1, 2]]));
    expect(parse('\x8c\x02os\x8c\x06system\x93)\x81K\x01b.')).toEqual(
      Object.assign(new PickleCall(new PickleGlobal('os.system'), []), { state: 1 }),
    );
    expect(parse('K\x01Q.')).toEqual(new PicklePersistent(1));
  });

  it('may hold itself', () => {
    const list = parse(']q\x00h\x00a.') as unknown[];
    expect(list[0]).toBe(list);
  });

  it.each([
    ['nothing', ''],
    ['no end', 'N'],
    ['a later protocol', '\x80\x05N.'],
    ['a text beyond the end', 'X\xff\xff\xff\xffa.'],
    ['a name without an end', 'cos\nsystem'],
    ['an end without a value', '.'],
    ['a mark for a value', '(.'],
    ['a group without a mark', 'K\x01t.'],
    ['items for a number', 'K\x01K\x02K\x03s.'],
    ['half an item', '}(K\x01u.'],
    ['values for a text', 'X\x01\x00\x00\x00aK\x01a.'],
    ['a reference to nothing', 'h\x07.'],
    ['a class whose name is a number', 'K\x01K\x02\x93.'],
    ['bytes beyond the end', 'B\xff\xff\xff\xffa.'],
    ['an old way to call', '(cos\nsystem\no.'],
  ])('is refused for %s', (_, operations) => {
    expect(() => parse(operations)).toThrow(expect.objectContaining({ code: 'bad-model' }));
  });

  it('never fails in another way, whatever its bytes', () => {
    const operations = [...'NKMJGX])}(taesuqrhjcQRb.'].map((letter) => letter.charCodeAt(0));
    const byte = fc.oneof(fc.constantFrom(...operations), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), (bytes) => {
        try {
          parsePickle(Uint8Array.from([0x80, 2, ...bytes]), 'p');
        } catch (error) {
          expect(error).toBeInstanceOf(DawsonError);
        }
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});
