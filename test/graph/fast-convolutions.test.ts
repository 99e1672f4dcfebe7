import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convolveByPairs, convolveByRows } from '../../src/graph/fast-convolutions.js';
import {
  type Emitter,
  elementsOf,
  fastConvolutions,
  Graph,
  neededFor,
  type Value,
} from '../../src/graph/index.js';
import { seededRandom } from '../../src/volume/random.js';
import { runGraph } from './run-graph.js';

const attributes = { kernel_shape: [3, 3, 3], strides: [1, 1, 1], pads: [1, 1, 1, 1, 1, 1] };
const plain = (g: Emitter, operands: readonly Value[]) => g.op('Conv', operands, attributes);
const lowerings = { convolveByRows, convolveByPairs };

function normal(shape: readonly number[], seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: elementsOf(shape) }, () => random.normal());
}

/** Largest difference between a lowering and the plain convolution, for numbers of about 1 each. */
async function difference(lowering: keyof typeof lowerings, shapes: readonly number[][]) {
  const g = new Graph();
  const operands = shapes.map((shape, i) => g.input(`${i}`, shape));
  const expected = plain(g, operands);
  const found = lowerings[lowering](g, operands);
  expect(found.shape).toEqual(expected.shape);
  const feeds = Object.fromEntries(shapes.map((shape, i) => [`${i}`, normal(shape, i)]));
  // With weights that are part of the graph, as in prediction.
  const { 0: image, ...fixed } = feeds;
  const results = await (await runGraph({ expected, found }, { 0: image }, fixed))();
  return results.found.reduce(
    (largest, value, i) => Math.max(largest, Math.abs(value - results.expected[i])),
    0,
  );
}

describe.each(['convolveByRows', 'convolveByPairs'] as const)('%s', (lowering) => {
  it('counts neighbours with a kernel of ones: 27 within, 8 in a corner', async () => {
    const g = new Graph();
    const y = lowerings[lowering](g, [
      g.input('x', [1, 1, 4, 3, 5]),
      g.input('w', [1, 1, 3, 3, 3]),
    ]);
    const feeds = { x: new Float32Array(60).fill(1), w: new Float32Array(27).fill(1) };
    const { counts } = await (await runGraph({ counts: y }, feeds))();
    const along = (n: number) => Array.from({ length: n }, (_, i) => (i % (n - 1) === 0 ? 2 : 3));
    const expected = along(4).flatMap((d) =>
      along(3).flatMap((h) => along(5).map((w) => d * h * w)),
    );
    expect([...counts]).toEqual(expected);
  });

  it('is the convolution, whatever the shape', async () => {
    const edge = fc.integer({ min: 1, max: 7 });
    const channels = fc.constantFrom(1, 3, 16, 20);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2 }),
        channels,
        channels,
        fc.tuple(fc.integer({ min: 1, max: 4 }), edge, edge),
        fc.boolean(),
        async (batch, inputs, outputs, [half, height, width], isBiased) => {
          const depth = lowering === 'convolveByPairs' ? 2 * half : half;
          const shapes = [
            [batch, inputs, depth, height, width],
            [outputs, inputs, 3, 3, 3],
          ];
          if (isBiased) shapes.push([outputs]);
          expect(await difference(lowering, shapes)).toBeLessThan(1e-4);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('convolveByPairs', () => {
  it('takes a large image in parts', async () => {
    const shapes = [
      [1, 16, 6, 256, 300],
      [16, 16, 3, 3, 3],
    ];
    expect(await difference('convolveByPairs', shapes)).toBeLessThan(1e-4);
  });
});

describe('fastConvolutions', () => {
  /** Kernels of the convolutions that a convolution is written as. */
  function kernels(image: readonly number[], weight: readonly number[], changed = {}): string[] {
    const g = new Graph();
    const operands = [g.input('x', image), g.input('w', weight)];
    const y = fastConvolutions(g).op('Conv', operands, { ...attributes, ...changed });
    return neededFor([y]).flatMap(({ source }) =>
      source.kind === 'operator' && source.operator === 'Conv'
        ? [String(source.attributes.kernel_shape)]
        : [],
    );
  }
  const kernel = [3, 3, 3];

  it('takes pairs of slices for many channels', () => {
    expect(kernels([1, 32, 8, 8, 8], [16, 32, ...kernel])).toEqual(Array(4).fill('3,3'));
  });

  it('takes rows of the kernel for few channels, and for an odd number of slices', () => {
    expect(kernels([1, 16, 8, 8, 8], [16, 16, ...kernel])).toEqual(Array(3).fill('3,3'));
    expect(kernels([1, 32, 9, 8, 8], [16, 32, ...kernel])).toEqual(Array(3).fill('3,3'));
  });

  it.each([
    ['small images', [1, 32, 4, 8, 8], [32, 32, ...kernel], {}],
    ['channels that do not fill blocks', [1, 3, 8, 8, 8], [16, 3, ...kernel], {}],
    ['strides', [1, 32, 8, 8, 8], [32, 32, ...kernel], { strides: [2, 2, 2] }],
    [
      'images without margins',
      [1, 32, 12, 12, 12],
      [32, 32, ...kernel],
      { pads: Array(6).fill(0) },
    ],
    [
      'other kernels',
      [1, 32, 8, 8, 8],
      [32, 32, 1, 3, 3],
      { kernel_shape: [1, 3, 3], pads: [0, 1, 1, 0, 1, 1] },
    ],
  ])('leaves %s as they are', (_, image, weight, changed) => {
    expect(kernels(image, weight, changed)).toEqual([String(weight.slice(2))]);
  });
});
