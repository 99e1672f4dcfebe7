import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { parseSafetensors, safetensorsBytes } from '../../src/formats/safetensors.js';
import golden from '../goldens/formats/float16.json' with { type: 'json' };

const sample = {
  tensors: new Map([
    ['b', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ['a', { shape: [], data: Float32Array.of(7) }],
    ['empty', { shape: [0, 4], data: new Float32Array(0) }],
  ]),
  metadata: { epoch: '3' },
};

/** A file with this header and so many bytes of data. */
function withHeader(header: unknown, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const entry = (shape: unknown, offsets: unknown, dtype: unknown = 'F32') => ({
  dtype,
  shape,
  data_offsets: offsets,
});

describe('safetensors', () => {
  it('reads what it writes, whatever the order of the tensors', () => {
    const { tensors, metadata } = parseSafetensors(safetensorsBytes(sample), 'w');
    expect(Object.fromEntries(tensors)).toEqual(Object.fromEntries(sample.tensors));
    expect(metadata).toEqual(sample.metadata);
    const reversed = { ...sample, tensors: new Map([...sample.tensors].reverse()) };
    expect(safetensorsBytes(reversed)).toEqual(safetensorsBytes(sample));
  });

  it('holds numbers in half precision where it is asked to, rounded to the nearest', () => {
    const data = Float32Array.of(1, 1 / 3, -1e-7, 65504, Number.POSITIVE_INFINITY);
    const bytes = safetensorsBytes(
      { tensors: new Map([['a', { shape: [5], data }]]), metadata: {} },
      'F16',
    );
    expect(bytes.length % 8).toBe(10 % 8);
    const { tensors } = parseSafetensors(bytes, 'w');
    expect([...tensors.get('a')!.data]).toEqual([
      1,
      0.333251953125,
      -(2 ** -23),
      65504,
      Number.POSITIVE_INFINITY,
    ]);
    expect(safetensorsBytes({ tensors, metadata: {} }, 'F16')).toEqual(bytes);
  });

  it('refuses to write a number that half precision cannot hold', () => {
    const large = new Map([['a', { shape: [1], data: Float32Array.of(65520) }]]);
    expect(() => safetensorsBytes({ tensors: large, metadata: {} }, 'F16')).toThrow(RangeError);
  });

  it('reads a file of singles and halves as the safetensors library writes it', () => {
    const { tensors } = parseSafetensors(Buffer.from(golden.file, 'base64'), 'w');
    expect(tensors.get('half')).toEqual({
      shape: [2, 2],
      data: Float32Array.of(1, -2.5, 2 ** -24, 65504),
    });
    expect(tensors.get('single')).toEqual({ shape: [1], data: Float32Array.of(Math.fround(0.1)) });
  });

  it.each([
    ['an empty file', new Uint8Array(0)],
    ['a header beyond the file', withHeader({}, 0).subarray(0, 9)],
    ['a header that is no JSON', withHeader('{', 0)],
    ['a list for a header', withHeader([], 0)],
    ['an entry that is none', withHeader({ a: 1 }, 4)],
    ['another type', withHeader({ a: entry([1], [0, 2], 'BF16') }, 2)],
    ['halves that take the room of singles', withHeader({ a: entry([1], [0, 4], 'F16') }, 4)],
    ['a negative size', withHeader({ a: entry([-1], [0, 4]) }, 4)],
    ['a size beyond counting', withHeader({ a: entry([2 ** 53, 4], [0, 4]) }, 4)],
    ['offsets that do not fit the shape', withHeader({ a: entry([2], [0, 4]) }, 4)],
    ['offsets beyond the file', withHeader({ a: entry([2], [0, 8]) }, 4)],
    ['data that belong to nothing', withHeader({ a: entry([1], [0, 4]) }, 8)],
    ['overlapping tensors', withHeader({ a: entry([1], [0, 4]), b: entry([1], [0, 4]) }, 4)],
    ['a gap', withHeader({ a: entry([1], [4, 8]) }, 8)],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseSafetensors(bytes, 'w')).toThrow(
      expect.objectContaining({ code: 'bad-model' }),
    );
  });

  it('never fails in another way, whatever byte is changed', () => {
    const bytes = safetensorsBytes(sample);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        try {
          parseSafetensors(changed, 'w');
        } catch (error) {
          expect(error).toBeInstanceOf(DawsonError);
        }
      }),
    );
  });
});
