import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resizeImage, resizeLabels, separateAxis } from '../../../src/segment/nnunet/resize.js';
import {
  type Axes3,
  cropped,
  inverseOrder,
  permuteAxes,
  roundHalfToEven,
  shapeAtSpacing,
  transposed,
  uncropped,
  voxelsIn,
} from '../../../src/volume/arrays.js';

const edge = fc.integer({ min: 1, max: 7 });
const shapes = fc.tuple(edge, edge, edge);
const orders = fc.constantFrom<Axes3>(
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
);
const apart = fc.constantFrom(undefined, 0, 1, 2);
const counting = (shape: Axes3) => Float32Array.from({ length: voxelsIn(shape) }, (_, at) => at);

describe('resizeImage', () => {
  it('gives the argument itself at the same shape', () => {
    const data = counting([3, 4, 5]);
    const options = { order: 3, orderAcross: 0 } as const;
    expect(resizeImage(data, [3, 4, 5], [3, 4, 5], options)).toBe(data);
  });

  it('keeps constant images constant, and all others in their range', () => {
    fc.assert(
      fc.property(shapes, shapes, apart, fc.constantFrom(0, 1, 3), (from, to, separate, order) => {
        const options = { order, orderAcross: 0, separateAxis: separate } as const;
        const flat = resizeImage(new Float32Array(voxelsIn(from)).fill(7), from, to, options);
        expect(flat).toHaveLength(voxelsIn(to));
        expect(flat.every((value) => Math.abs(value - 7) < 1e-5)).toBe(true);
        const data = counting(from);
        const resized = resizeImage(data, from, to, options);
        expect(Math.min(...resized)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...resized)).toBeLessThanOrEqual(data.length - 1);
      }),
      { seed: 1 },
    );
  });

  it('does the same along every axis', () => {
    fc.assert(
      fc.property(shapes, shapes, orders, (from, to, order) => {
        const options = { order: 3, orderAcross: 0 } as const;
        const data = counting(from).map((value) => Math.sin(value));
        const straight = transposed(resizeImage(data, from, to, options), to, order);
        const turned = resizeImage(
          transposed(data, from, order),
          permuteAxes(from, order),
          permuteAxes(to, order),
          options,
        );
        for (let at = 0; at < straight.length; at++) {
          expect(Math.abs(straight[at] - turned[at])).toBeLessThan(1e-5);
        }
      }),
      { seed: 2 },
    );
  });

  it('copies whole slices along an axis that is kept apart', () => {
    const data = counting([2, 3, 3]);
    const options = { order: 3, orderAcross: 0, separateAxis: 0 } as const;
    const resized = resizeImage(data, [2, 3, 3], [4, 3, 3], options);
    expect([...resized.subarray(9, 18)]).toEqual([...data.subarray(0, 9)]);
    expect([...resized.subarray(18, 27)]).toEqual([...data.subarray(9, 18)]);
  });
});

describe('resizeLabels', () => {
  it('makes no label that is not there', () => {
    fc.assert(
      fc.property(shapes, shapes, apart, (from, to, separate) => {
        const labels = Int8Array.from(
          { length: voxelsIn(from) },
          (_, at) => [-1, 0, 3][(at * 5) % 3],
        );
        const resized = resizeLabels(labels, from, to, { order: 1, separateAxis: separate });
        expect(resized).toHaveLength(voxelsIn(to));
        expect(resized.every((label) => labels.includes(label))).toBe(true);
      }),
      { seed: 3 },
    );
  });

  it('gives a voxel between two labels to the nearest voxel, the upper one halfway', () => {
    const options = { order: 1 } as const;
    expect([...resizeLabels(Int8Array.of(1, 2), [1, 1, 2], [1, 1, 1], options)]).toEqual([2]);
    expect([...resizeLabels(Int8Array.of(2, 1), [1, 1, 2], [1, 1, 1], options)]).toEqual([1]);
  });
});

describe('separateAxis', () => {
  it.each<[Axes3, Axes3, number | undefined, string]>([
    [[1, 1, 1], [1, 1, 1], undefined, 'isotropic images'],
    [[3, 1, 1], [1, 1, 1], undefined, 'a ratio of exactly 3'],
    [[3.1, 1, 1], [1, 1, 1], 0, 'thick slices of the image'],
    [[1, 1, 1], [1, 1, 4], 2, 'thick slices of the target'],
    [[1, 4, 1], [5, 1, 1], 1, 'the image before the target'],
    [[0.2, 1.2, 1.2], [5, 1, 1], undefined, 'two coarse axes'],
  ])('from %j to %j is %s: %s', (from, to, axis) => {
    expect(separateAxis(from, to)).toBe(axis);
  });
});

describe('shapes and boxes', () => {
  it('round halves to even numbers, as Python does', () => {
    expect([0.5, 1.5, 2.5, -0.5, 2.4, 2.6].map(roundHalfToEven)).toEqual(
      [0, 2, 2, 0, 2, 3].map((n) => n + 0),
    );
    expect(shapeAtSpacing([5, 5, 10], [1, 1, 0.9], [2, 1, 1])).toEqual([2, 5, 9]);
  });

  it('transposing back gives the array that was there', () => {
    fc.assert(
      fc.property(shapes, orders, (shape, order) => {
        const data = counting(shape);
        const there = transposed(data, shape, order);
        expect(transposed(there, permuteAxes(shape, order), inverseOrder(order))).toEqual(data);
      }),
    );
  });

  it('cropping undoes uncropping', () => {
    const box = { start: [1, 2, 0] as const, shape: [2, 2, 3] as const };
    const data = counting(box.shape);
    const whole = uncropped(data, box, [4, 4, 3]);
    expect(whole.reduce((sum, value) => sum + value, 0)).toBe(66);
    expect(cropped(whole, [4, 4, 3], box)).toEqual(data);
  });
});
