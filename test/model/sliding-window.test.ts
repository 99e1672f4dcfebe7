import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  gaussianWeights,
  mirrored,
  type Predict,
  slideWindow,
  windowSteps,
} from '../../src/model/sliding-window.js';
import { type Axes3, voxelsIn } from '../../src/volume/arrays.js';

const golden = JSON.parse(
  readFileSync(new URL('../goldens/train/sliding-window.json', import.meta.url), 'utf8'),
);

// biome-ignore lint/suspicious/noExplicitAny: rows of a JSON file
type Golden = any;

/** The made-up network of test/goldens/train/make_sliding_window.py. */
function network([nd, nh, nw]: Axes3): Predict {
  return async (patch) => {
    const scores = new Float32Array(patch.length);
    const voxels = nd * nh * nw;
    let at = 0;
    for (let d = 0; d < nd; d++) {
      for (let h = 0; h < nh; h++) {
        for (let w = 0; w < nw; w++, at++) {
          const r = d / nd + (2 * h) / nh + (3 * w) / nw + 1;
          scores[at] = patch[at] * r;
          scores[voxels + at] = patch[voxels + at] - r;
        }
      }
    }
    return scores;
  };
}

function waves([nd, nh, nw]: Axes3): Float32Array {
  const data = new Float32Array(2 * nd * nh * nw);
  let at = 0;
  for (let d = 0; d < nd; d++) {
    for (let h = 0; h < nh; h++) {
      for (let w = 0; w < nw; w++, at++) {
        data[at] = Math.sin(d + 0.5 * h - 0.3 * w);
        data[nd * nh * nw + at] = Math.cos(0.7 * w * d);
      }
    }
  }
  return data;
}

describe('the sliding window', () => {
  it.each(golden.steps as Golden[])(
    'takes the steps of nnU-Net for $shape by $patch, $step',
    (row: Golden) => {
      const { shape, patch, step, steps } = row;
      expect(windowSteps(shape, patch, step)).toEqual(steps);
    },
  );

  it('weights a patch by a Gaussian of an eighth of its edges', () => {
    const weights = gaussianWeights(golden.gaussian.shape);
    for (let at = 0; at < weights.length; at++) {
      expect(Math.abs(weights[at] - golden.gaussian.values[at])).toBeLessThan(1e-5);
    }
  });

  it.each(golden.runs as Golden[])(
    'gives the logits of nnU-Net: $shape, mirrored $mirror',
    async (row: Golden) => {
      const { shape, patch, step, mirror, logits } = row;
      const scores = await slideWindow(
        { data: waves(shape), channels: 2, shape },
        [network(patch)],
        {
          patchShape: patch,
          classes: 2,
          stepSize: step,
          mirrorAxes: mirror ? [0, 1, 2] : [],
        },
      );
      const found = scores.filter((_, at) => at % 5 === 0);
      for (const [at, value] of (logits as number[]).entries()) {
        expect(Math.abs(found[at] - value)).toBeLessThan(2e-4);
      }
    },
  );

  it('leaves alone what a network copies, whatever the shapes, steps and mirrorings', async () => {
    const edge = fc.integer({ min: 1, max: 9 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(edge, edge, edge),
        fc.tuple(edge, edge, edge),
        fc.double({ min: 0.2, max: 1, noNaN: true }),
        fc.subarray([0, 1, 2]),
        fc.constantFrom(undefined, 0, 1, 2),
        async (shape, patchShape, stepSize, mirrorAxes, chessboardAxis) => {
          const data = waves(shape);
          const copy: Predict = async (patch) => patch.slice();
          const scores = await slideWindow({ data, channels: 2, shape }, [copy, copy], {
            patchShape,
            classes: 2,
            stepSize,
            mirrorAxes,
            chessboardAxis,
          });
          for (let at = 0; at < data.length; at++) {
            expect(Math.abs(scores[at] - data[at])).toBeLessThan(1e-4);
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('averages networks, and runs one over all windows before the next', async () => {
    const calls: number[] = [];
    const constant =
      (value: number): Predict =>
      async (patch) => {
        calls.push(value);
        return new Float32Array(patch.length).fill(value);
      };
    const shape: Axes3 = [8, 8, 8];
    const scores = await slideWindow(
      { data: new Float32Array(512), channels: 1, shape },
      [constant(1), constant(4)],
      { patchShape: [4, 8, 8], classes: 1, stepSize: 0.5, mirrorAxes: [] },
    );
    expect(scores.every((value) => Math.abs(value - 2.5) < 1e-6)).toBe(true);
    expect(calls).toEqual([1, 1, 1, 4, 4, 4]);
  });

  it('mirrors windows as a chessboard has black fields, each seen once', async () => {
    const shape: Axes3 = [6, 8, 4];
    const options = { patchShape: [2, 4, 2] as Axes3, classes: 1, stepSize: 0.5, mirrorAxes: [] };
    // What each window is: its first voxel of an image that counts, and of the mirrored one its last.
    const data = Float32Array.from({ length: 192 }, (_, at) => at);
    const firsts: number[] = [];
    const network: Predict = async (patch) => {
      firsts.push(patch[0]);
      return patch.slice();
    };
    await slideWindow({ data, channels: 1, shape }, [network], { ...options, chessboardAxis: 2 });
    // 5 x 3 x 3 windows, at every voxel, every second voxel, every voxel.
    const expected = Array.from({ length: 45 }, (_, n) => {
      const [d, h, w] = [Math.floor(n / 9), Math.floor(n / 3) % 3, n % 3];
      return d * 32 + 2 * h * 4 + w + ((d + h + w) % 2);
    });
    expect(firsts).toEqual(expected);
  });

  it('stops between windows', async () => {
    const controller = new AbortController();
    const predict: Predict = async (patch) => {
      controller.abort(new Error('enough'));
      return patch;
    };
    const image = { data: new Float32Array(64), channels: 1, shape: [4, 4, 4] as Axes3 };
    await expect(
      slideWindow(image, [predict], {
        patchShape: [2, 4, 4],
        classes: 1,
        stepSize: 1,
        mirrorAxes: [],
        signal: controller.signal,
      }),
    ).rejects.toThrow('enough');
  });

  it('refuses steps that leave gaps and scores of another length', async () => {
    expect(() => windowSteps([8, 8, 8], [4, 4, 4], 1.1)).toThrow(RangeError);
    const image = { data: new Float32Array(64), channels: 1, shape: [4, 4, 4] as Axes3 };
    const options = { patchShape: [4, 4, 4] as Axes3, classes: 2, stepSize: 1, mirrorAxes: [] };
    await expect(slideWindow(image, [async (patch) => patch], options)).rejects.toThrow(RangeError);
  });
});

describe('mirrored', () => {
  it('reverses the axes it is told, of every channel', () => {
    const data = Float32Array.from({ length: 16 }, (_, at) => at);
    expect([...mirrored(data, 2, [2, 2, 2], [2])].slice(0, 4)).toEqual([1, 0, 3, 2]);
    expect([...mirrored(data, 2, [2, 2, 2], [0])].slice(8, 12)).toEqual([12, 13, 14, 15]);
  });

  it('undoes itself', () => {
    const shape: Axes3 = [2, 3, 4];
    const data = Float32Array.from({ length: 2 * voxelsIn(shape) }, (_, at) => at);
    for (const axes of [[0], [1], [2], [0, 1], [0, 1, 2]]) {
      expect(mirrored(mirrored(data, 2, shape, axes), 2, shape, axes)).toEqual(data);
    }
  });
});
