import { voxelVolumeMm3 } from '../../dist/volume/affine.js';
import { connectedComponents } from '../../dist/volume/components.js';
import { gaussianSmooth } from '../../dist/volume/gaussian.js';
import { percentile } from '../../dist/volume/histogram.js';
import { onGrid } from '../../dist/volume/volume.js';

const localMm = 20;
const leastDeviations = 4;
/** In one of the exams the place is above the middle of the brain by so many robust deviations. */
const brightFrom = 2;
const smallestMm3 = 20;

/**
 * The floor for everything cleverer: two FLAIRs on one grid, each divided by its local mean, where
 * they differ by more than chance and one of them is bright.
 * @returns mask of what changed: 1 came, 2 went
 */
export function subtraction(first, second, brain) {
  const images = [first, second].map((image) => overLocalMean(image, brain));
  const spreads = images.map((image) => spread(image, brain.data));
  const difference = images[1].map((value, at) => value - images[0][at]);
  const { middle, deviation } = spread(difference, brain.data);
  const isBright = (at) =>
    images.some((image, n) => image[at] > spreads[n].middle + brightFrom * spreads[n].deviation);
  const sign = difference.map((value, at) => {
    if (brain.data[at] === 0 || !isBright(at)) return 0;
    const away = (value - middle) / deviation;
    return away > leastDeviations ? 1 : away < -leastDeviations ? 2 : 0;
  });
  const result = new Uint8Array(sign.length);
  for (const kind of [1, 2]) {
    const mask = onGrid(
      brain,
      Uint8Array.from(sign, (value) => (value === kind ? 1 : 0)),
    );
    const { labels, sizesVoxels } = connectedComponents(mask, 6);
    const mm3 = voxelVolumeMm3(brain.affine);
    labels.data.forEach((label, at) => {
      if (label !== 0 && mm3 * sizesVoxels[label] >= smallestMm3) result[at] = kind;
    });
  }
  return onGrid(brain, result);
}

function overLocalMean(image, brain) {
  const inside = image.data.map((value, at) => (brain.data[at] === 0 ? 0 : value));
  const sum = gaussianSmooth(onGrid(image, inside), localMm).data;
  const weight = gaussianSmooth(brain, localMm).data;
  return inside.map((value, at) => (brain.data[at] === 0 ? 0 : (value * weight[at]) / sum[at]));
}

function spread(values, where) {
  const middle = percentile(values, 50, where);
  const away = values.map((value) => Math.abs(value - middle));
  return { middle, deviation: 1.4826 * percentile(away, 50, where) };
}
