import { describe, expect, it } from 'vitest';
import { changeClasses } from '../../src/quantify/change.js';
import { outlinedChange } from '../../src/report/change-outlines.js';
import { changeMarks, changeStyles } from '../../src/report/change-styles.js';
import { rimOf } from '../../src/report/outlined-slice.js';
import { seededRandom } from '../../src/volume/random.js';

const [width, height] = [48, 40];
const window = { black: 0, white: 255 };
const flair = { values: new Float32Array(width * height).fill(50), width, height };
const grey = 50;

/** A slice with a number of a class wherever a box (left, top, side) is. */
function slice(...boxes: (readonly [number, number, number, number])[]) {
  const values = new Float32Array(width * height);
  for (const [left, top, side, value] of boxes) {
    for (let y = top; y < top + side; y++)
      values.fill(value, y * width + left, y * width + left + side);
  }
  return { values, width, height };
}
type Slice = ReturnType<typeof slice>;

const drawn = (change: Slice, lesions = change) => {
  const rgb = outlinedChange({ flair, change, lesions }, window);
  return (pixel: number) => [...rgb.subarray(3 * pixel, 3 * pixel + 3)].join();
};

/** Rows of the sign in a colour, off the outline. */
function signIn(change: Slice, colour: readonly number[]): string[] {
  const at = drawn(change);
  const rim = new Set(rimOf(change).map(([pixel]) => pixel));
  const pixels = [...change.values.keys()].filter(
    (pixel) => !rim.has(pixel) && at(pixel) === colour.join(),
  );
  if (pixels.length === 0) return [];
  const [columns, rows] = [
    pixels.map((pixel) => pixel % width),
    pixels.map((pixel) => Math.floor(pixel / width)),
  ];
  const [left, top] = [Math.min(...columns), Math.min(...rows)];
  return Array.from({ length: Math.max(...rows) - top + 1 }, (_, y) =>
    Array.from({ length: Math.max(...columns) - left + 1 }, (_, x) =>
      pixels.includes((top + y) * width + left + x) ? '#' : '.',
    ).join(''),
  );
}

describe('outlines of what became of lesions', () => {
  it('tells every class by a sign of its own, a stable lesion by having none', () => {
    const signs = changeClasses.map((name, at) =>
      signIn(slice([20, 20, 4, at + 1]), changeStyles[name].colour).join('\n'),
    );
    expect(signs[changeClasses.indexOf('stable')]).toBe('');
    expect(new Set(signs).size).toBe(changeClasses.length);
    expect(signs[0].split('\n')).toEqual(['..#..', '..#..', '#####', '..#..', '..#..']);
    expect(signs[1].split('\n')).toEqual(['..#..', '.###.', '#####']);
  });

  it('draws dashes around what only the previous exam has, whatever its class', () => {
    const change = slice([20, 20, 6, 6]);
    const count = (lesions: Slice) => {
      const at = drawn(change, lesions);
      return rimOf(change).filter(([pixel]) => at(pixel) !== `${grey},${grey},${grey}`).length;
    };
    expect([count(change), count(slice())]).toEqual([24, 12]);
  });

  it('gives each part of a class a sign, in room that no lesion, outline or sign takes', () => {
    const change = slice([10, 10, 3, 1], [14, 10, 3, 1], [18, 10, 3, 4]);
    const at = drawn(change);
    const black = [...change.values.keys()].filter((pixel) => at(pixel) === '0,0,0');
    const inked = (name: 'plus' | 'cross') =>
      changeMarks[name].rows.reduce((sum, row) => sum + row.toString(2).split('1').length - 1, 0);
    expect(black).toHaveLength(3 * 49 - 2 * inked('plus') - inked('cross'));
    for (const [pixel, value] of rimOf(change)) {
      const colour = changeStyles[changeClasses[value - 1]].colour.join();
      // Between two classes lies an outline of either.
      if (Math.floor(pixel / width) !== 9) expect(at(pixel)).not.toBe('0,0,0');
      if (pixel % width < 13) expect(at(pixel)).toBe(colour);
    }
  });

  it('never touches the pixels of a lesion of either exam', () => {
    const random = seededRandom(11);
    for (let trial = 0; trial < 30; trial++) {
      const boxes = Array.from({ length: 25 }, () => {
        const [x, y] = [random.uniform(), random.uniform()];
        const value = 1 + Math.floor(6 * random.uniform());
        return [Math.floor(44 * x), Math.floor(36 * y), 1 + (trial % 4), value] as const;
      });
      const change = slice(...boxes);
      const at = drawn(change, slice(...boxes.slice(0, 15)));
      for (const [pixel, value] of change.values.entries()) {
        if (value !== 0) expect(at(pixel)).toBe(`${grey},${grey},${grey}`);
      }
    }
  });

  it('draws no sign where there is no room for one', () => {
    const change = slice([0, 0, 40, 1], [40, 0, 8, 1]);
    expect(() => drawn(change)).not.toThrow();
  });
});
