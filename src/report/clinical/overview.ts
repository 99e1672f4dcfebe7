import { mapAxes, voxelSizeMm } from '../../volume/affine.js';
import { type Box, boxOrAll } from '../../volume/box.js';
import type { Mask, Volume } from '../../volume/volume.js';
import { type Plane, planes } from '../slice.js';
import { choose, cut, panelPng, partOf, type Scene } from './panel.js';

const widthPx = 440;
const marginMm = 6;
/** The slices spread over at least this share of the brain. */
const leastShare = 0.5;
/** Without lesions, the slices lie within these shares of the brain, from below or from the left. */
const middle = { from: 0.25, to: 0.8 };

/**
 * So many slices of the whole brain with the outlines of all lesions, as PNG, in the order of the plane's
 * axis: from each of equal parts of the range with lesions, the slice with most of them.
 */
export function overviewPngs(scene: Scene, brain: Mask, plane: Plane, count: number): Uint8Array[] {
  const axis = planes[plane];
  const mm = voxelSizeMm(scene.flair.affine);
  const box = boxOrAll(brain);
  const centre = mapAxes(box.first, (first, a) => first + (box.size[a] - 1) / 2);
  const fieldMm = mapAxes(box.size, (n, a) => n * mm[a] + 2 * marginMm);
  return shownSlices(lesionVoxels(scene.labels, axis), box, axis, count).map((index) => {
    const { flair, labels } = cut(scene, partOf(scene.flair, plane, index, centre, fieldMm), plane);
    const outline = { slice: choose(labels, (id) => id !== 0), style: 'lesion' } as const;
    return panelPng(flair, [outline], scene.window, plane, widthPx);
  });
}

/** Number of lesion voxels in each slice across an axis. */
function lesionVoxels({ data, size }: Volume<Int32Array>, axis: number): Int32Array {
  const [nx, ny, nz] = size;
  const counts = new Int32Array(size[axis]);
  for (let k = 0, voxel = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, voxel++) {
        if (data[voxel] !== 0) counts[axis === 0 ? i : axis === 1 ? j : k]++;
      }
    }
  }
  return counts;
}

/**
 * Parts of equal length of the range with lesions, which is widened to at least half of the brain;
 * from each the slice with most lesion, the middle one where none has any.
 */
function shownSlices(
  counts: Int32Array,
  { first, size }: Box,
  axis: number,
  shown: number,
): number[] {
  const filled = [...counts.keys()].filter((index) => counts[index] > 0);
  const brainSlices = size[axis];
  const [lowest, highest] =
    filled.length > 0
      ? [filled[0], filled.at(-1)!]
      : [first[axis] + middle.from * brainSlices, first[axis] + middle.to * brainSlices];
  const length = Math.min(
    counts.length,
    Math.max(shown, Math.ceil(leastShare * brainSlices), Math.ceil(highest - lowest + 1)),
  );
  const centred = Math.round((lowest + highest + 1 - length) / 2);
  const start = Math.min(Math.max(0, centred), counts.length - length);
  const part = (number: number) => start + Math.floor((number * length) / shown);
  const chosen = Array.from({ length: shown }, (_, number) => {
    const [from, to] = [part(number), Math.max(part(number) + 1, part(number + 1))];
    let best = Math.floor((from + to - 1) / 2);
    for (let index = from; index < to; index++) if (counts[index] > counts[best]) best = index;
    return Math.min(best, counts.length - 1);
  });
  return [...new Set(chosen)];
}
