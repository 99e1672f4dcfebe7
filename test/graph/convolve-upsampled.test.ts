import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canConvolveUpsampled,
  concat,
  convolveUpsampled,
  elementsOf,
  Graph,
  upsample,
} from '../../src/graph/index.js';
import { seededRandom } from '../../src/volume/random.js';
import { runGraph } from './run-graph.js';

describe('convolveUpsampled', () => {
  it('is the convolution of the upsampled image and the skip, whatever the shape', async () => {
    const axis = fc.constantFrom([1, 1], [3, 1], [1, 2], [3, 2], [5, 2], [5, 4]);
    const edge = fc.integer({ min: 1, max: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(axis, axis, axis),
        fc.tuple(edge, edge, edge),
        fc.tuple(edge, edge, edge, edge),
        fc.boolean(),
        fc.boolean(),
        async (axes, size, [inputs, middle, skipped, outputs], upBias, bias) => {
          const kernel = axes.map(([n]) => n);
          const strides = axes.map(([, n]) => n);
          const random = seededRandom(1);
          const feeds: Record<string, Float32Array> = {};
          const g = new Graph();
          const input = (name: string, shape: readonly number[]) => {
            const length = elementsOf(shape);
            feeds[name] = Float32Array.from({ length }, () => random.normal());
            return g.input(name, shape);
          };
          const x = input('x', [2, inputs, ...size]);
          const skip = input('skip', [2, skipped, ...size.map((n, a) => n * strides[a])]);
          const up = [input('up', [inputs, middle, ...strides])];
          if (upBias) up.push(input('up bias', [middle]));
          const convolution = [input('w', [outputs, middle + skipped, ...kernel])];
          if (bias) convolution.push(input('bias', [outputs]));

          const both = concat(g, [upsample(g, x, up[0], up[1]), skip], 1);
          const margin = kernel.map((n) => (n - 1) / 2);
          const expected = g.op('Conv', [both, ...convolution], {
            kernel_shape: kernel,
            strides: [1, 1, 1],
            pads: [...margin, ...margin],
          });
          const found = convolveUpsampled(g, x, up, skip, convolution);
          expect(found.shape).toEqual(expected.shape);
          const results = await (await runGraph({ expected, found }, feeds))();
          for (const [i, value] of results.found.entries()) {
            expect(Math.abs(value - results.expected[i])).toBeLessThan(2e-4);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is not for small images, and for kernels and strides that do not fit', () => {
    const x = new Graph().input('x', [1, 2, 8, 8, 8]);
    expect(canConvolveUpsampled(x, [1, 3, 3], [1, 2, 2])).toBe(true);
    expect(canConvolveUpsampled(x, [3, 3, 3], [2, 2, 3])).toBe(false);
    expect(canConvolveUpsampled(x, [2, 3, 3], [1, 2, 2])).toBe(false);
    const small = new Graph().input('x', [1, 2, 4, 8, 8]);
    expect(canConvolveUpsampled(small, [3, 3, 3], [2, 2, 2])).toBe(false);
  });
});
