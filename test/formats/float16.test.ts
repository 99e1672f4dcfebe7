import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toFloat16, toFloat32 } from '../../src/formats/float16.js';
import golden from '../goldens/formats/float16.json' with { type: 'json' };

const halves = Uint16Array.from({ length: 2 ** 16 }, (_, half) => half);
const singles = toFloat32(halves);

describe('half precision', () => {
  it('has the values that NumPy gives its 63 488 finite numbers', () => {
    const finite = singles.filter(Number.isFinite);
    const digest = createHash('sha256').update(new Uint8Array(finite.buffer)).digest('hex');
    expect(digest).toBe(golden.tableSha256);
  });

  it('comes back from single precision bit for bit, subnormals, -0 and infinities included', () => {
    const back = toFloat16(singles);
    for (const half of halves) {
      expect(back[half]).toBe(Number.isNaN(singles[half]) ? 0x7e00 : half);
    }
  });

  it('is rounded to as NumPy does it: nearest, ties to even, then to infinity', () => {
    const numbers = new Float32Array(Uint32Array.from(golden.singleBits).buffer);
    expect([...toFloat16(numbers)]).toEqual(golden.halfBits);
  });

  it('is the nearest of all halves', () => {
    const ascending = [...new Set(singles)].filter(Number.isFinite).sort((a, b) => a - b);
    fc.assert(
      fc.property(
        fc.float({ min: Math.fround(-65519), max: Math.fround(65519), noNaN: true }),
        (number) => {
          const [rounded] = toFloat32(toFloat16(Float32Array.of(number)));
          const at = ascending.indexOf(rounded);
          const error = Math.abs(rounded - number);
          for (const neighbour of [ascending[at - 1], ascending[at + 1]]) {
            if (neighbour !== undefined) {
              expect(error).toBeLessThanOrEqual(Math.abs(neighbour - number));
            }
          }
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });

  it('keeps that a number is none', () => {
    expect(toFloat32(toFloat16(Float32Array.of(Number.NaN)))[0]).toBeNaN();
  });
});
