import { readShippedImage } from '../formats/index.js';
import { type Mat4, multiply } from '../volume/affine.js';
import { anatomyLabel, anatomyNames } from '../volume/anatomy-labels.js';
import { connectedComponents } from '../volume/components.js';
import { distanceTransformMm } from '../volume/distance.js';
import { percentile } from '../volume/histogram.js';
import { resample } from '../volume/resample.js';
import { type Grid, type LabelMap, maskWhere, onGrid, type Volume } from '../volume/volume.js';

/** Reads the most frequent anatomy label of the atlas's heads, in the space of the head atlas. */
export async function readRegionAtlas(): Promise<Volume<Uint8Array>> {
  const { volume } = await readShippedImage('models/head-atlas/regions.nii.gz');
  return volume as Volume<Uint8Array>;
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

/** So far outside the atlas's ventricles an exam's own may reach. */
const ventricleReachMm = 8;
/** Fluid is suppressed in a FLAIR to less than this share of the intensity of white matter. */
const mostFluidShare = 0.7;

/**
 * The atlas's anatomy with the ventricles that a FLAIR shows: dark fluid that is connected to the
 * atlas's ventricles and lies in them, or around them in its cerebral white or deep grey matter. What
 * of the atlas's ventricles is not dark is left without a label, as nobody knows what it is. An image
 * whose fluid is not dark keeps the atlas's ventricles.
 * @param flair on the grid of the anatomy
 */
export function withVentriclesOf(
  flair: Volume,
  anatomy: LabelMap<Uint8Array>,
): LabelMap<Uint8Array> {
  const { data } = anatomy;
  const shown = (label: number) => data.includes(label);
  if (!shown(anatomyLabel.ventricles) || !shown(anatomyLabel.whiteMatter)) return anatomy;
  const maskOf = (label: number) => maskWhere(anatomy, (value) => value === label);
  const ventricles = maskOf(anatomyLabel.ventricles);
  const white = percentile(flair.data, 50, maskOf(anatomyLabel.whiteMatter).data);
  const fluid = percentile(flair.data, 10, ventricles.data);
  if (fluid >= mostFluidShare * white) return anatomy;

  const outsideMm = distanceTransformMm(ventricles).data;
  const dark = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const label = data[at];
    const mayBe =
      label === anatomyLabel.ventricles ||
      ((label === anatomyLabel.whiteMatter || label === anatomyLabel.deepGreyMatter) &&
        outsideMm[at] <= ventricleReachMm);
    if (mayBe && flair.data[at] < (fluid + white) / 2) dark[at] = 1;
  }
  const { labels, count } = connectedComponents(onGrid(anatomy, dark), 6);
  const isVentricle = new Uint8Array(count + 1);
  for (let at = 0; at < data.length; at++) {
    if (dark[at] !== 0 && ventricles.data[at] !== 0) isVentricle[labels.data[at]] = 1;
  }
  const refined = data.slice();
  for (let at = 0; at < data.length; at++) {
    if (isVentricle[labels.data[at]] !== 0) refined[at] = anatomyLabel.ventricles;
    else if (ventricles.data[at] !== 0) refined[at] = anatomyLabel.outside;
  }
  return { ...anatomy, data: refined };
}
