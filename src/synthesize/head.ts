import { type Mat4, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { largestComponent } from '../volume/components.js';
import { distanceTransformMm } from '../volume/distance.js';
import { close, fillHoles } from '../volume/morphology.js';
import { reorient } from '../volume/reorient.js';
import { maskWhere, onGrid, type Volume, voxelCount } from '../volume/volume.js';
import { cropToContent } from './crop.js';
import { renderField } from './smooth-field.js';
import { isBrain, tissue, tissues } from './tissues.js';

/** A head from which exams are made; all volumes lie on one grid in RAS orientation. */
export interface Head {
  readonly name: string;
  /** Numbers of {@link tissues}. */
  readonly tissues: Volume<Uint8Array>;
  /** Signed distance to the surface of the brain, negative inside, in eighths of a mm, -127 to 127. */
  readonly brainDistance: Volume<Int8Array>;
  /** Distance to the ventricles, in eighths of a mm, 0 to 255. */
  readonly ventricleDistance: Volume<Uint8Array>;
  /** Centre of the brain, RAS mm. */
  readonly brainCentreMm: Vec3;
  /** RAS mm of the head to RAS mm of the lesion masks. */
  readonly toLesionSpace: Mat4;
}

/** Distances are stored in this many steps a mm. */
export const stepsPerMm = 8;

/** Gaps and sulci up to twice this width belong to the inside of the brain. */
const brainClosingMm = 9;
/** Mean thickness of the fat under the skin, and how much it varies. */
const fatMm = 5;
const fatVariationMm = 1.5;
/** Bone within so many voxels of its surface is dense, and deeper inside marrow. */
const denseBoneVoxels = 1.6;
/** Fluid within so many voxels of bone is dura. */
const duraVoxels = 1.2;

/**
 * Tissues of a label map, in RAS orientation. Besides the labels' own tissues: fat under the skin,
 * marrow inside the skull, dura between skull and fluid. What is not joined to the head (labels
 * contain specks of fluid in the air) becomes air. Labels that no tissue has become air, too.
 */
export function tissuesFromLabels(labels: Volume): Volume<Uint8Array> {
  const result = cropToContent(largestPart(withTissueNumbers(reorient(labels))), 3);
  const { data } = result;
  const depth = distanceTransformMm(
    maskWhere(result, (value) => value === tissue.air || value === tissue.skin),
  ).data;
  const boneDepth = distanceTransformMm(maskWhere(result, (value) => value !== tissue.bone)).data;
  const toBone = distanceTransformMm(maskWhere(result, (value) => value === tissue.bone)).data;
  const voxelMm = Math.min(...voxelSizeMm(result.affine));
  const thickness = renderField(
    { seed: 1, spacingMm: 18 },
    { size: result.size, originMm: [0, 0, 0], spacingMm: voxelSizeMm(result.affine) },
  );
  for (let at = 0; at < data.length; at++) {
    if (data[at] === tissue.muscle && depth[at] < fatMm + fatVariationMm * thickness[at]) {
      data[at] = tissue.fat;
    } else if (data[at] === tissue.bone && boneDepth[at] > denseBoneVoxels * voxelMm) {
      data[at] = tissue.marrow;
    } else if (data[at] === tissue.csf && toBone[at] < duraVoxels * voxelMm) data[at] = tissue.dura;
  }
  return result;
}

function withTissueNumbers(labels: Volume): Volume<Uint8Array> {
  const byLabel = new Uint8Array(1024);
  tissues.forEach((row, number) => {
    for (const label of row.labels) byLabel[label] = number;
  });
  const data = new Uint8Array(labels.data.length);
  for (let at = 0; at < data.length; at++) data[at] = byLabel[labels.data[at]] ?? 0;
  return onGrid(labels, data);
}

function largestPart(volume: Volume<Uint8Array>): Volume<Uint8Array> {
  const everything = maskWhere(volume, (value) => value !== tissue.air);
  const largest = largestComponent(everything, 26).data;
  const data = new Uint8Array(volume.data.length);
  for (let at = 0; at < data.length; at++) if (largest[at] !== 0) data[at] = volume.data[at];
  return onGrid(volume, data);
}

/** A head without its place in lesion space: distances and centre from its tissues. */
export function describeHead(
  name: string,
  volume: Volume<Uint8Array>,
): Omit<Head, 'toLesionSpace'> {
  const tissueOfBrain = maskWhere(volume, (value) => isBrain[value] !== 0);
  const brain = fillHoles(close(largestComponent(tissueOfBrain, 26), brainClosingMm));
  const outside = distanceTransformMm(brain).data;
  const inside = distanceTransformMm(maskWhere(brain, (value) => value === 0)).data;
  const ventricles = distanceTransformMm(
    maskWhere(volume, (value) => value === tissue.ventricle || value === tissue['choroid plexus']),
  ).data;
  const length = voxelCount(volume.size);
  const brainDistance = new Int8Array(length);
  const ventricleDistance = new Uint8Array(length);
  const sums = [0, 0, 0];
  let count = 0;
  const [nx, ny] = volume.size;
  for (let at = 0; at < length; at++) {
    const distanceMm = brain.data[at] !== 0 ? -inside[at] : outside[at];
    brainDistance[at] = Math.max(-127, Math.min(127, Math.round(stepsPerMm * distanceMm)));
    ventricleDistance[at] = Math.min(255, Math.round(stepsPerMm * ventricles[at]));
    if (brain.data[at] !== 0) {
      sums[0] += at % nx;
      sums[1] += Math.floor(at / nx) % ny;
      sums[2] += Math.floor(at / (nx * ny));
      count++;
    }
  }
  const m = volume.affine;
  const [i, j, k] = sums.map((sum) => sum / count);
  return {
    name,
    tissues: volume,
    brainDistance: onGrid(volume, brainDistance),
    ventricleDistance: onGrid(volume, ventricleDistance),
    brainCentreMm: [0, 4, 8].map(
      (r) => m[r] * i + m[r + 1] * j + m[r + 2] * k + m[r + 3],
    ) as unknown as Vec3,
  };
}
