import { applyToPoint, invert, type Mat4, multiply, voxelVolumeMm3 } from '../../volume/affine.js';
import { orientationOf } from '../../volume/reorient.js';
import type { Grid, Volume } from '../../volume/volume.js';
import { voxelIndex } from '../../volume/volume.js';

/** Sides of the body, by the letters of orientations. */
export const sides = {
  R: 'right',
  L: 'left',
  A: 'front',
  P: 'back',
  S: 'upper',
  I: 'lower',
} as const;
export type Side = keyof typeof sides;

/** How much of the expected brain a field of view shows. */
export interface Coverage {
  /** Share of the brain inside the field of view, 0 to 1. */
  readonly share: number;
  /** Volume of the brain that lies outside, by the side on which it does; sides without are absent. */
  readonly missingMl: { readonly [side in Side]?: number };
}

/**
 * How much of the brain that the atlas expects lies inside an image's field of view. A point
 * beyond two sides counts for the one beyond which it lies farther (in voxels' halves of the extent).
 *
 * @param atlasBrain share of heads that have brain at a voxel of the atlas
 * @param atlasToImage maps points of the atlas to points of the image, RAS mm
 */
export function coverageOf(image: Grid, atlasBrain: Volume, atlasToImage: Mat4): Coverage {
  const voxelToImage = multiply(atlasToImage, atlasBrain.affine);
  const toVoxel = multiply(invert(image.affine), voxelToImage);
  const voxelMl = voxelVolumeMm3(voxelToImage) / 1000;
  const letters = orientationOf(image.affine);
  const missing: { [side in Side]?: number } = {};
  let [all, inside] = [0, 0];
  for (let voxel = 0; voxel < atlasBrain.data.length; voxel++) {
    if (atlasBrain.data[voxel] < 0.5) continue;
    all++;
    const place = applyToPoint(toVoxel, voxelIndex(voxel, atlasBrain.size));
    // From -1 to 1 inside along each axis.
    const fromMiddle = place.map(
      (at, axis) => (2 * at - (image.size[axis] - 1)) / image.size[axis],
    );
    const distances = fromMiddle.map(Math.abs);
    const farthest = distances.indexOf(Math.max(...distances));
    if (distances[farthest] <= 1) {
      inside++;
      continue;
    }
    const letter = letters[farthest] as Side;
    const side = fromMiddle[farthest] > 0 ? letter : opposite[letter];
    missing[side] = (missing[side] ?? 0) + voxelMl;
  }
  return { share: all === 0 ? 0 : inside / all, missingMl: missing };
}

const opposite: Record<Side, Side> = { R: 'L', L: 'R', A: 'P', P: 'A', S: 'I', I: 'S' };
