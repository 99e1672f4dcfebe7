import { describe, expect, it } from 'vitest';
import { maximise } from '../../src/preprocess/maximise.js';

type Point = readonly number[];
const add = (p: Point, step: Float64Array) => p.map((x, i) => x + step[i]);
const options = { longestStep: 1, tolerance: 1e-7, maxIterations: 200 };

describe('maximise', () => {
  it('finds the top of a stretched and turned paraboloid', () => {
    const top = [3, -2, 0.5];
    const { place, converged } = maximise<Point, { value: number; gradient: Float64Array }>(
      [0, 0, 0],
      ([x, y, z]) => {
        const [a, b, c] = [x - top[0], y - top[1], z - top[2]];
        return {
          value: -(a * a + 50 * b * b + 4 * c * c + a * b),
          gradient: Float64Array.of(-(2 * a + b), -(100 * b + a), -8 * c),
        };
      },
      add,
      options,
    );
    expect(converged).toBe(true);
    for (let i = 0; i < 3; i++) expect(place[i]).toBeCloseTo(top[i], 5);
  });

  it("follows Rosenbrock's curved ridge to its top", () => {
    const { place } = maximise<Point, { value: number; gradient: Float64Array }>(
      [-1.2, 1],
      ([x, y]) => ({
        value: -((1 - x) ** 2) - 100 * (y - x * x) ** 2,
        gradient: Float64Array.of(2 * (1 - x) + 400 * x * (y - x * x), -200 * (y - x * x)),
      }),
      add,
      options,
    );
    expect(place[0]).toBeCloseTo(1, 4);
    expect(place[1]).toBeCloseTo(1, 4);
  });

  it('stays where the gradient is zero, and says when its iterations were too few', () => {
    const flat = () => ({ value: 1, gradient: new Float64Array(2) });
    expect(maximise<Point, ReturnType<typeof flat>>([5, 6], flat, add, options)).toMatchObject({
      place: [5, 6],
      converged: true,
    });
    const slope = ([x]: Point) => ({ value: x, gradient: Float64Array.of(1) });
    const { place, converged } = maximise<Point, ReturnType<typeof slope>>([0], slope, add, {
      ...options,
      maxIterations: 4,
    });
    expect(converged).toBe(false);
    expect(place[0]).toBeCloseTo(4, 10);
  });
});
