import { identity } from '../volume/affine.js';
import { type Axes3, voxelsIn } from '../volume/arrays.js';
import { connectedComponents } from '../volume/components.js';
import type { Random } from '../volume/random.js';
import { onGrid } from '../volume/volume.js';

/** What can happen to the voxels of one label; nnU-Net's four. */
export const shapeChanges = ['dilation', 'erosion', 'closing', 'opening'] as const;
export type ShapeChange = (typeof shapeChanges)[number];

/**
 * What happens to the labels that the first network of a cascade found, so that the second does not
 * believe all of them. Plain values, in the order in which they are applied.
 */
export interface PreviousParameters {
  /** The voxels of a label, changed by a ball of so many voxels from side to side. */
  readonly changes: readonly {
    readonly label: number;
    readonly change: ShapeChange;
    readonly ballVoxels: number;
  }[];
  /** A connected component of a label is lost: the one at this part of their list, from 0 to below 1. */
  readonly losses: readonly { readonly label: number; readonly which: number }[];
}

/** Components of so large a part of a patch are not lost. */
const largestLost = 0.15;

/** Draws what happens to labels 1 to `labels`, with nnU-Net v2's probabilities and ranges. */
export function samplePrevious(random: Random, labels: number): PreviousParameters {
  const happens = (probability: number) => random.uniform() < probability;
  const someLabels = () => shuffled(random, labels).filter(() => happens(0.5));
  const drawChange = (label: number) => ({
    label,
    change: shapeChanges[random.integer(shapeChanges.length)],
    // A radius from 1 to 8, as scikit-image's `ball` takes it: of so many voxels, whether odd or even.
    ballVoxels: Math.floor(2 * (1 + 7 * random.uniform()) + 1),
  });
  return {
    changes: happens(0.4) ? someLabels().map(drawChange) : [],
    losses: happens(0.2) ? someLabels().map((label) => ({ label, which: random.uniform() })) : [],
  };
}

/** The numbers from 1 to `count` in any order, each as likely. */
function shuffled(random: Random, count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index + 1);
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/**
 * Applies drawn parameters to labels as channels of 0 and 1, [labels, ...shape]: those of label k at
 * k - 1. What a label gains the others lose (nnU-Net's ApplyRandomBinaryOperatorTransform, then
 * RemoveRandomConnectedComponentFromOneHotEncodingTransform).
 */
export function changePreviousInPlace(
  channels: Uint8Array,
  shape: Axes3,
  { changes, losses }: PreviousParameters,
): void {
  const voxels = voxelsIn(shape);
  const count = channels.length / voxels;
  for (const { label, change, ballVoxels } of changes) {
    const channel = channels.subarray((label - 1) * voxels, label * voxels);
    const changed = changedShape(channel, shape, change, ballVoxels);
    for (let at = 0; at < voxels; at++) {
      if (!changed[at] || channel[at]) continue;
      for (let other = 0; other < count; other++) channels[other * voxels + at] = 0;
    }
    channel.set(changed);
  }
  for (const { label, which } of losses) {
    loseComponentInPlace(channels.subarray((label - 1) * voxels, label * voxels), shape, which);
  }
}

function changedShape(mask: Uint8Array, shape: Axes3, change: ShapeChange, ballVoxels: number) {
  const grown = (of: Uint8Array) => dilated(of, shape, ballVoxels);
  // What lies beyond the patch takes nothing away.
  const shrunk = (of: Uint8Array) => inverted(grown(inverted(of)));
  return {
    dilation: () => grown(mask),
    erosion: () => shrunk(mask),
    closing: () => shrunk(grown(mask)),
    opening: () => grown(shrunk(mask)),
  }[change]();
}

const inverted = (mask: Uint8Array) => mask.map((value) => 1 - value);

/**
 * The mask grown by a ball of so many voxels from side to side, in voxels, whatever their size in mm.
 * The centre of an even one lies between two voxels, and the mask moves by half a voxel towards the
 * first ones: nnU-Net's, other than `volume/morphology.ts`.
 */
export function dilated(mask: Uint8Array, [nd, nh, nw]: Axes3, ballVoxels: number): Uint8Array {
  const result = new Uint8Array(mask.length);
  const rows = rowsOfBall(ballVoxels);
  for (let d = 0; d < nd; d++) {
    for (let h = 0; h < nh; h++) {
      const row = (d * nh + h) * nw;
      for (let from = 0; from < nw; from++) {
        if (mask[row + from] === 0) continue;
        let end = from + 1;
        while (end < nw && mask[row + end] !== 0) end++;
        for (const [dd, dh, low, high] of rows) {
          if (d + dd < 0 || d + dd >= nd || h + dh < 0 || h + dh >= nh) continue;
          const target = row + (dd * nh + dh) * nw;
          result.fill(1, target + Math.max(0, from + low), target + Math.min(nw, end + high));
        }
        from = end;
      }
    }
  }
  return result;
}

/** The rows of a ball: how far each lies from its middle along two axes, first and last voxel along the third. */
function rowsOfBall(ballVoxels: number): readonly (readonly [number, number, number, number])[] {
  const radius = (ballVoxels - 1) / 2;
  const middle = Math.floor(radius);
  const rows: [number, number, number, number][] = [];
  for (let d = 0; d < ballVoxels; d++) {
    for (let h = 0; h < ballVoxels; h++) {
      const squared = radius ** 2 - (d - radius) ** 2 - (h - radius) ** 2;
      if (squared < 0) continue;
      const first = Math.ceil(radius - Math.sqrt(squared));
      const last = ballVoxels - 1 - first;
      rows.push([middle - d, middle - h, middle - last, middle - first]);
    }
  }
  return rows;
}

/** Takes away one of the components that are small beside the patch. */
function loseComponentInPlace(channel: Uint8Array, [nd, nh, nw]: Axes3, which: number): void {
  const mask = onGrid({ size: [nw, nh, nd], affine: identity }, channel);
  const { labels, count, sizesVoxels } = connectedComponents(mask, 26);
  const small = Array.from({ length: count }, (_, index) => index + 1).filter(
    (component) => sizesVoxels[component] < largestLost * channel.length,
  );
  const lost = small[Math.floor(which * small.length)];
  for (let at = 0; at < channel.length; at++) if (labels.data[at] === lost) channel[at] = 0;
}
