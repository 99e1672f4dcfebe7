import { fileURLToPath } from 'node:url';
import { readNifti } from '../formats/index.js';
import { type Mat4, multiply } from '../volume/affine.js';
import { anatomyNames } from '../volume/anatomy-labels.js';
import { resample } from '../volume/resample.js';
import type { Grid, LabelMap, Volume } from '../volume/volume.js';

/** Reads the most frequent anatomy label of the atlas's heads, in the space of the head atlas. */
export async function readRegionAtlas(): Promise<Volume<Uint8Array>> {
  const url = new URL('../../models/head-atlas/regions.nii.gz', import.meta.url);
  return (await readNifti(fileURLToPath(url))).volume as Volume<Uint8Array>;
}

/** The atlas's anatomy on the grid of an image, as {@link placeAtlas} laid it there. */
export function anatomyFromAtlas(
  grid: Grid,
  regions: Volume<Uint8Array>,
  gridToAtlas: Mat4,
): LabelMap<Uint8Array> {
  const anatomy = resample(regions, grid, { toMoving: gridToAtlas, interpolation: 'nearest' });
  return { ...anatomy, names: anatomyNames };
}

/**
 * The mid-sagittal plane of the head atlas as the first row of a map whose x is 0 on it: the plane at
 * which mirrored and original image correlate best (0.981).
 */
const atlasToMidlineSpace: Mat4 = [1, -0.013, -0.0114, -0.33, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** Maps points of an image, RAS mm, into a space whose x is 0 between the halves of the brain. */
export function toMidlineSpace(imageToAtlas: Mat4): Mat4 {
  return multiply(atlasToMidlineSpace, imageToAtlas);
}
