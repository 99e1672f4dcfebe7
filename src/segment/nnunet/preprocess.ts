import { DawsonError } from '../../errors.js';
import { type ImagePlan, spacingFor } from '../../model/nnunet-plans.js';
import { voxelSizeMm } from '../../volume/affine.js';
import {
  type ArrayBox,
  type Axes3,
  axesOf,
  cropped,
  inverseOrder,
  permuteAxes,
  shapeAtSpacing,
  shapeOf,
  transposed,
  uncropped,
  voxelsIn,
} from '../../volume/arrays.js';
import { boxOfWhere } from '../../volume/box.js';
import { fillHoles } from '../../volume/morphology.js';
import { type Grid, type Mask, onesWhere, onGrid, type Volume } from '../../volume/volume.js';
import { inWorker } from '../../workers.js';
import { normalizeInPlace } from './normalize.js';
import { resizeImage, resizeLabels, separateAxis } from './resize.js';

/** Label of voxels outside of the non-zero region; never a class. */
export const outsideLabel = -1;

/** Images of one case on one grid, in the plan's channel order; `undefined` where one is missing. */
export type Channels = readonly (Volume | undefined)[];

/** Where the network's arrays lie in the case's own grid. */
export interface CaseGeometry {
  /** Shape of the whole image, axes transposed. */
  readonly shape: Axes3;
  readonly spacingMm: Axes3;
  /** The non-zero region, in voxels of the whole image, axes transposed. */
  readonly box: ArrayBox;
}

/** One case as the network takes it. */
export interface PreparedCase {
  /** [channels, ...shape], normalised; a missing channel is 0. */
  readonly image: Float32Array;
  readonly channels: number;
  readonly shape: Axes3;
  /** On the same grid: classes, and {@link outsideLabel} outside of the non-zero region. */
  readonly labels: Int8Array;
  /** On the same grid, 0 outside of the non-zero region: what the first network of a cascade found. */
  readonly previous?: Int8Array;
  readonly geometry: CaseGeometry;
}

/**
 * Prepares a case as nnU-Net v2 does: axes transposed, cropped to the non-zero region, each channel
 * normalised, then resampled to the plan's spacing (images by cubic splines, labels by linear
 * interpolation of each; along the thick slices of anisotropic images by the nearest slice).
 * @param labels classes 0 to 127 on the same grid; without them the result says only what lies
 *   outside of the non-zero region
 * @param previous labels that the first network of a cascade found, where the others are the truth
 * @throws RangeError when the number of channels is not the plan's, or all voxels are 0; DawsonError
 *   `out-of-memory` where the plan's spacing asks for more than 2^30 voxels, or for none.
 */
export function preprocessCase(
  channels: Channels,
  plan: ImagePlan,
  labels?: Volume,
  previous?: Volume,
): PreparedCase {
  if (channels.length !== plan.channels.length) {
    throw new RangeError(`${channels.length} channels for a plan of ${plan.channels.length}`);
  }
  const { inside, box, geometry } = nonZeroRegion(channels, plan.transposeForward);
  const cropToBox = <T extends Float32Array | Int8Array>(data: T): T =>
    cropped(
      transposed(data, shapeOf(channels.find((c) => c)!), plan.transposeForward),
      geometry.shape,
      box,
    );

  /** Labels in the box; outside of the non-zero region what is not labelled is no background. */
  const labelsInBox = (volume: Volume | undefined): Int8Array =>
    volume
      ? cropToBox(Int8Array.from(volume.data)).map((label, at) =>
          label === 0 && inside[at] === 0 ? outsideLabel : label,
        )
      : Int8Array.from(inside, (isInside) => (isInside ? 0 : outsideLabel));
  const croppedLabels = labelsInBox(labels);
  const croppedPrevious = previous && labelsInBox(previous);
  for (let at = 0; at < inside.length; at++) if (croppedLabels[at] > 0) inside[at] = 1;

  const spacingMm = spacingFor(plan, geometry.spacingMm);
  const shape = shapeAtSpacing(box.shape, geometry.spacingMm, spacingMm);
  requireSensible(shape, plan);
  const apart = separateAxis(geometry.spacingMm, spacingMm);
  const resized = (cropped: Int8Array) =>
    resizeLabels(cropped, box.shape, shape, { order: plan.labelOrder, separateAxis: apart });
  const resizedLabels = resized(croppedLabels);
  const resizedInside = onesWhere(resizedLabels, (label) => label !== outsideLabel);
  const image = new Float32Array(channels.length * voxelsIn(shape));
  for (const [channel, volume] of channels.entries()) {
    if (!volume) continue;
    const values = cropToBox(Float32Array.from(volume.data));
    if (plan.normalizesFirst) normalizeInPlace(values, inside, plan.channels[channel]);
    const resizedImage = resizeImage(values, box.shape, shape, {
      order: plan.imageOrder,
      orderAcross: plan.imageOrderAcross,
      separateAxis: apart,
    });
    if (!plan.normalizesFirst) {
      normalizeInPlace(resizedImage, resizedInside, plan.channels[channel]);
      if (plan.channels[channel].useMask) zeroOutsideInPlace(resizedImage, resizedInside);
    }
    image.set(resizedImage, channel * resizedImage.length);
  }
  return {
    image,
    channels: channels.length,
    shape,
    labels: resizedLabels,
    ...(croppedPrevious && {
      previous: resized(croppedPrevious).map((label) => Math.max(0, label)),
    }),
    geometry,
  };
}

export const preprocessCaseInWorker = inWorker<typeof preprocessCase>(
  import.meta.url,
  'preprocessCase',
);

function zeroOutsideInPlace(image: Float32Array, inside: Uint8Array): void {
  for (let at = 0; at < image.length; at++) if (inside[at] === 0) image[at] = 0;
}

/** More voxels at the plan's spacing are a mistake in a file, or beyond any machine. */
const mostVoxels = 2 ** 30;

function requireSensible(shape: Axes3, { spacingMm }: ImagePlan): void {
  if (shape.every((n) => n >= 1) && voxelsIn(shape) <= mostVoxels) return;
  throw new DawsonError('out-of-memory', {
    expected: `1 to 2^30 voxels at the plan's spacing of ${spacingMm.join(' x ')} mm`,
    found: `${shape.join(' x ')} voxels`,
    advice: 'Check the voxel size of the image and the spacing in plans.json.',
  });
}

/**
 * Where any channel is not 0, with its holes.
 * @throws RangeError when there is no channel.
 */
export const nonZeroMask = (channels: Channels): Mask => fillHoles(nonZeroVoxels(channels));

/**
 * The box of the {@link nonZeroMask}, which its holes do not change. Axes in the order of the files' arrays.
 * @throws RangeError when there is no channel, or all voxels of all channels are 0.
 */
export function nonZeroBox(channels: Channels): ArrayBox {
  const mask = nonZeroVoxels(channels);
  return boxAround(mask.data, shapeOf(mask));
}

function nonZeroVoxels(channels: Channels): Mask {
  const first = channels.find((volume) => volume !== undefined);
  if (!first) throw new RangeError('a case without channels');
  const nonZero = new Uint8Array(first.data.length);
  for (const volume of channels) {
    if (!volume) continue;
    for (let at = 0; at < nonZero.length; at++) if (volume.data[at] !== 0) nonZero[at] = 1;
  }
  return onGrid(first, nonZero);
}

/**
 * The {@link nonZeroMask} and the box around it: nnU-Net's crop.
 * @throws RangeError when there is no channel, or all voxels of all channels are 0.
 */
export function nonZeroRegion(
  channels: Channels,
  transposeForward: Axes3,
): { inside: Uint8Array; box: ArrayBox; geometry: CaseGeometry } {
  const first = nonZeroMask(channels);
  const filled = transposed(first.data, shapeOf(first), transposeForward);
  const shape = permuteAxes(shapeOf(first), transposeForward);
  const box = boxAround(filled, shape);
  const spacingMm = permuteAxes(axesOf(voxelSizeMm(first.affine)), transposeForward);
  return { inside: cropped(filled, shape, box), box, geometry: { shape, spacingMm, box } };
}

/**
 * The smallest box around the voxels that are not 0.
 * @throws RangeError when all are.
 */
function boxAround(mask: Uint8Array, [nd, nh, nw]: Axes3): ArrayBox {
  const box = boxOfWhere([nw, nh, nd], (voxel) => mask[voxel] !== 0);
  if (!box) throw new RangeError('an image without a voxel that is not 0');
  return { start: axesOf(box.first), shape: axesOf(box.size) };
}

/**
 * One array of the network's output at the spacing of the case's images, still cropped to the
 * non-zero region's box.
 * @param data an array of the shape of the prepared case
 */
export function toBoxGrid(
  data: Float32Array,
  shape: Axes3,
  geometry: CaseGeometry,
  plan: ImagePlan,
): Float32Array {
  return resizeImage(data, shape, geometry.box.shape, {
    order: plan.outputOrder,
    orderAcross: plan.outputOrderAcross,
    separateAxis: separateAxis(spacingFor(plan, geometry.spacingMm), geometry.spacingMm),
  });
}

/** What lies in the box on the case's own grid: 0 outside, axes in the file's order. */
export function toNativeGrid<T extends Float32Array | Uint8Array>(
  inBox: T,
  geometry: CaseGeometry,
  plan: ImagePlan,
  grid: Grid,
): Volume<T> {
  const whole = uncropped(inBox, geometry.box, geometry.shape);
  return onGrid(grid, transposed(whole, geometry.shape, inverseOrder(plan.transposeForward)));
}
