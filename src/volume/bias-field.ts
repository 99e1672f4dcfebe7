import { DawsonError } from '../errors.js';
import { voxelSizeMm } from './affine.js';
import { type Box, boxOfMask } from './box.js';
import { BSplineMesh, gridSize, type Positions } from './bspline-mesh.js';
import { sharpenedValues } from './sharpen-histogram.js';
import { type Mask, onGrid, type Volume, voxelCount } from './volume.js';

export interface BiasFieldOptions {
  /**
   * Mesh elements along each axis of the mask's box, level by level; [1, 2, 4, 6] by default, which
   * ends at elements of about 25 mm in a brain. Finer ones take lesions and anatomy for shading.
   */
  readonly elementsByLevel?: readonly number[];
}

export interface BiasFieldCorrection {
  /** The image divided by the field. */
  readonly corrected: Volume<Float32Array>;
  /** Smooth positive factor on the intensities; its geometric mean over the mask is about 1. */
  readonly field: Volume<Float32Array>;
}

/** Distance between the voxels that the estimate uses: shading is smooth, 4 mm lose nothing. */
const sampleDistanceMm = 4;
const iterationsPerLevel = 50;
/** A level ends when a step changes the field by less than this (coefficient of variation). */
const convergedChange = 0.001;
const fewestVoxels = 100;

/**
 * Estimates the slow multiplicative shading of an MR image and divides by it: N4 (Tustison et al.
 * 2010, doi 10.1109/TMI.2010.2046908). The histogram of the log intensities in the mask is
 * sharpened, the difference between each intensity and its sharpened value is smoothed with cubic
 * B-splines and added to the log field, and so on, on a finer mesh at every level.
 *
 * The estimate uses every n-th voxel of the mask's bounding box, only where the image is above 0.
 * The field is evaluated on the image's own grid. Where the mesh has no data it tends to 1, and
 * beyond the mask's box it goes on as at the border of the box.
 * @param mask what to learn the field from, on the grid of the image; usually the brain
 * @throws RangeError when the mask has another number of voxels than the image.
 * @throws DawsonError `bad-intensities` when fewer than 100 voxels can be used.
 */
export function correctBiasField(
  volume: Volume,
  mask: Mask,
  options: BiasFieldOptions = {},
): BiasFieldCorrection {
  const { elementsByLevel = [1, 2, 4, 6] } = options;
  if (mask.data.length !== volume.data.length) throw new RangeError('the mask is on another grid');
  const box = boxOfMask(mask) ?? { first: [0, 0, 0], size: [0, 0, 0] };
  const { logValues, weights, positions } = sampleLogValues(volume, mask, box);
  const imagePositions = volume.size.map((n, axis) =>
    Array.from({ length: n }, (_, at) => at - box.first[axis]),
  );

  const field = new Float32Array(volume.data.length);
  const logField = new Float64Array(logValues.length);
  for (const elements of elementsByLevel) {
    const mesh = new BSplineMesh(box.size, elements);
    const smooth = mesh.fitter(positions, weights);
    const total = new Float64Array(voxelCount(mesh.controlSize));
    for (let iteration = 0; iteration < iterationsPerLevel; iteration++) {
      const current = logValues.map((value, at) => value - logField[at]);
      const sharpened = sharpenedValues(current, weights);
      const coefficients = smooth(current.map((value, at) => value - sharpened[at]));
      const step = new Float64Array(logValues.length);
      mesh.addTo(step, coefficients, positions);
      for (let at = 0; at < step.length; at++) logField[at] += step[at];
      for (let at = 0; at < total.length; at++) total[at] += coefficients[at];
      if (relativeChange(step, weights) < convergedChange) break;
    }
    mesh.addTo(field, total, imagePositions);
  }

  const meanLog = weightedMean(logField, weights);
  const corrected = new Float32Array(field.length);
  for (let at = 0; at < field.length; at++) {
    field[at] = Math.exp(field[at] - meanLog);
    corrected[at] = volume.data[at] / field[at];
  }
  return { corrected: onGrid(volume, corrected), field: onGrid(volume, field) };
}

interface Sample {
  /** Voxels used along each axis, counted from the corner of the box. */
  readonly positions: Positions;
  /** Natural logarithms of the intensities; 0 where the weight is 0. */
  readonly logValues: Float64Array;
  /** 1 where the mask is set and the intensity positive, else 0. */
  readonly weights: Uint8Array;
}

function sampleLogValues(volume: Volume, mask: Mask, box: Box): Sample {
  const spacingMm = voxelSizeMm(volume.affine);
  const positions = box.size.map((n, axis) => {
    const step = Math.max(1, Math.round(sampleDistanceMm / spacingMm[axis]));
    const start = Math.min(step >> 1, n >> 1);
    const count = Math.max(0, Math.ceil((n - start) / step));
    return Array.from({ length: count }, (_, at) => start + at * step);
  });
  const logValues = new Float64Array(voxelCount(gridSize(positions)));
  const weights = new Uint8Array(logValues.length);
  const [nx, ny] = volume.size;
  let to = 0;
  let used = 0;
  for (const z of positions[2]) {
    for (const y of positions[1]) {
      const row = box.first[0] + nx * (box.first[1] + y + ny * (box.first[2] + z));
      for (const x of positions[0]) {
        const value = volume.data[row + x];
        if (mask.data[row + x] !== 0 && value > 0 && value < Infinity) {
          logValues[to] = Math.log(value);
          weights[to] = 1;
          used++;
        }
        to++;
      }
    }
  }
  if (used < fewestVoxels) {
    throw new DawsonError('bad-intensities', {
      expected: `at least ${fewestVoxels} positive intensities to estimate the bias field from`,
      found: String(used),
    });
  }
  return { positions, logValues, weights };
}

function weightedMean(values: Float64Array, weights: Uint8Array): number {
  let sum = 0;
  let count = 0;
  for (let at = 0; at < values.length; at++) {
    sum += weights[at] * values[at];
    count += weights[at];
  }
  return sum / count;
}

/** Coefficient of variation of the factor exp(step) over the sample (Tustison 2010, equation 9). */
function relativeChange(step: Float64Array, weights: Uint8Array): number {
  const factor = step.map(Math.exp);
  const mean = weightedMean(factor, weights);
  const squares = weightedMean(
    factor.map((value) => (value - mean) ** 2),
    weights,
  );
  return Math.sqrt(squares) / mean;
}
