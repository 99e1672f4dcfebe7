import { describe, expect, it } from 'vitest';
import { Graph, preciseNorms } from '../../src/graph/index.js';
import { mostVoxelsAtOnce, normalizeInParts } from '../../src/graph/precise-norms.js';
import { seededRandom } from '../../src/volume/random.js';
import { runGraph } from './run-graph.js';

const epsilon = 1e-5;
const [gamma, beta] = [Float32Array.of(2, 1, 3), Float32Array.of(0.5, -1, 4)];

/** What is meant, in double precision. */
function normalized(channel: Float32Array, factor: number, shift: number): Float64Array {
  const mean = channel.reduce((sum, value) => sum + value, 0) / channel.length;
  const variance =
    channel.reduce((sum, value) => sum + (value - mean) ** 2, 0) / channel.length + epsilon;
  return Float64Array.from(
    channel,
    (value) => ((value - mean) / Math.sqrt(variance)) * factor + shift,
  );
}

/** Largest difference from what is meant, of channels of several means and deviations. */
async function worstOf(shape: readonly [number, number, number]): Promise<number> {
  const voxels = shape[0] * shape[1] * shape[2];
  const random = seededRandom(1);
  const channels = [
    [0, 1],
    [5, 0.5],
    [20, 0],
  ].map(([mean, deviation]) =>
    Float32Array.from({ length: voxels }, () => mean + deviation * random.normal()),
  );
  const x = new Float32Array(3 * voxels);
  for (const [index, channel] of channels.entries()) x.set(channel, index * voxels);
  const graph = new Graph();
  const inputs = [
    graph.input('x', [1, 3, ...shape]),
    graph.input('gamma', [3]),
    graph.input('beta', [3]),
  ];
  const y = normalizeInParts(graph, inputs, epsilon);
  const results = await (await runGraph({ y }, { x, gamma, beta }))();
  let worst = 0;
  for (const [index, channel] of channels.entries()) {
    const expected = normalized(channel, gamma[index], beta[index]);
    for (let at = 0; at < voxels; at++) {
      worst = Math.max(worst, Math.abs(results.y[index * voxels + at] - expected[at]));
    }
  }
  return worst;
}

describe('normalizeInParts', () => {
  it.each([
    ['of a large image', [80, 96, 72]],
    ['of a few voxels', [2, 3, 4]],
    ['of slices', [1, 300, 200]],
  ] as const)('is the instance norm %s, exactly but for the last digits', async (_, shape) => {
    expect(await worstOf(shape)).toBeLessThan(1e-5);
  });
});

describe('preciseNorms', () => {
  it('leaves the norms of small images as they are', () => {
    const sourceOf = (depth: number) => {
      const g = new Graph();
      const inputs = [g.input('x', [1, 2, depth, 16, 16]), g.input('w', [2]), g.input('b', [2])];
      const { source } = preciseNorms(g).op('InstanceNormalization', inputs, { epsilon });
      return source.kind === 'operator' ? source.operator : source.kind;
    };
    expect(mostVoxelsAtOnce).toBe(16 ** 3);
    expect([sourceOf(16), sourceOf(17)]).toEqual(['InstanceNormalization', 'Add']);
  });
});
