import { identity } from '../../volume/affine.js';
import { connectedComponents } from '../../volume/components.js';
import { type Size, voxelCount } from '../../volume/volume.js';

/** Lesions of so many voxels of 1 mm and above count as the rest of the brain does. */
const fullWeightVoxels = 300;
const greatestWeight = 6;
/** Voxels around a lesion count as it does, so that its border stays where it is. */
const marginVoxels = 2;

/**
 * How much each voxel of a patch counts in learning, so that a small lesion is not lost beside a large
 * one: 1, and the inverse root of the volume in and around small lesions (after Shirokikh et al. 2020,
 * arXiv 2007.10033, who weigh by the inverse volume).
 * @param labels 0 or 1, 1 mm apart
 */
export function lesionEmphasis(labels: Uint8Array, size: Size): Float32Array {
  const lesions = connectedComponents({ data: labels, size, affine: identity }, 26);
  const weights = new Float32Array(voxelCount(size)).fill(1);
  const [nx, ny, nz] = size;
  const range = (at: number, end: number) =>
    [Math.max(0, at - marginVoxels), Math.min(end - 1, at + marginVoxels)] as const;
  for (let at = 0; at < labels.length; at++) {
    const lesion = lesions.labels.data[at];
    if (lesion === 0) continue;
    const inverseRoot = Math.sqrt(fullWeightVoxels / lesions.sizesVoxels[lesion]);
    if (inverseRoot <= 1) continue;
    const weight = Math.min(greatestWeight, inverseRoot);
    const [x0, x1] = range(at % nx, nx);
    const [y0, y1] = range(Math.floor(at / nx) % ny, ny);
    const [z0, z1] = range(Math.floor(at / (nx * ny)), nz);
    for (let z = z0; z <= z1; z++) {
      for (let y = y0; y <= y1; y++) {
        for (let near = x0 + nx * (y + ny * z), x = x0; x <= x1; x++, near++) {
          weights[near] = Math.max(weights[near], weight);
        }
      }
    }
  }
  return weights;
}
