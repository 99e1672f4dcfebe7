import { encodePng } from '../formats/index.js';
import { readResult } from '../quantify/read-result.js';
import { outlinedSlice } from '../report/outlined-slice.js';
import { pixelOf, sliceOf } from '../report/slice.js';
import { flairWindow } from '../report/window.js';
import { boxOrAll } from '../volume/box.js';
import { reorient } from '../volume/reorient.js';
import type { Mask, Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';

const sidePx = 132;
const marginMm = 6;

/**
 * A small picture of a result, as PNG: the axial slice with most of lesions (the middle of the brain
 * where there are none), with their outlines. The person's right is on the left.
 * @param folder that `dawson segment` wrote
 */
export async function thumbnailPng(folder: string): Promise<Uint8Array> {
  const result = await readResult(folder);
  const flair = reorient(result.flair);
  const lesions = reorient(result.lesions) as Mask;
  const { first, size } = boxOrAll(reorient(result.brain) as Mask);
  const index = fullestSlice(lesions) ?? Math.round(first[2] + (size[2] - 1) / 2);
  const { pixelWidthMm, pixelHeightMm } = sliceOf(flair, 'axial', index);
  const [left, top] = pixelOf(flair, 'axial', [
    first[0] + size[0] - 1,
    first[1] + size[1] - 1,
    index,
  ]);
  const widthMm = size[0] * pixelWidthMm;
  const heightMm = size[1] * pixelHeightMm;
  const pxPerMm = sidePx / (Math.max(widthMm, heightMm) + 2 * marginMm);
  /** Nearest pixels of a slice, so that outlines show the voxels that are marked. */
  const shown = (volume: Volume) => {
    const slice = sliceOf(volume, 'axial', index);
    const values = new Float32Array(sidePx * sidePx);
    for (let row = 0, pixel = 0; row < sidePx; row++) {
      for (let column = 0; column < sidePx; column++, pixel++) {
        const x = (column + 0.5 - sidePx / 2) / pxPerMm + widthMm / 2;
        const y = (row + 0.5 - sidePx / 2) / pxPerMm + heightMm / 2;
        const across = Math.floor(left + x / pixelWidthMm);
        const down = Math.floor(top + y / pixelHeightMm);
        const isInside = across >= 0 && down >= 0 && across < slice.width && down < slice.height;
        if (isInside) values[pixel] = slice.values[down * slice.width + across];
      }
    }
    return { values, width: sidePx, height: sidePx };
  };
  const rgb = outlinedSlice(shown(flair), shown(lesions), flairWindow(result.flair, result.brain));
  return encodePng(rgb, sidePx, sidePx);
}

export const thumbnailPngInWorker = inWorker<typeof thumbnailPng>(import.meta.url, 'thumbnailPng');

/** The axial slice with most voxels of a mask; none where it is empty. */
function fullestSlice({ data, size }: Mask): number | undefined {
  const perSlice = size[0] * size[1];
  let best: number | undefined;
  let most = 0;
  for (let slice = 0; slice < size[2]; slice++) {
    let count = 0;
    for (let voxel = slice * perSlice; voxel < (slice + 1) * perSlice; voxel++) {
      if (data[voxel] !== 0) count++;
    }
    if (count > most) [best, most] = [slice, count];
  }
  return best;
}
