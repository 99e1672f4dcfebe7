import { applyToPoint, voxelSizeMm } from '../volume/affine.js';
import { percentile } from '../volume/histogram.js';
import { resample } from '../volume/resample.js';
import type { Grid, Mask, Size, Volume } from '../volume/volume.js';
import { renderSvg, sliceAsDataUrl } from './picture.js';
import { outlinePath, type Plane, planes, sliceOf } from './slice.js';

/** One row of a contact sheet: an image and, where it is to be outlined, a mask. */
export interface SheetRow {
  readonly name: string;
  readonly image: Volume;
  readonly mask?: Mask;
}

const tilePx = 230;
const captionPx = 22;
const outlineColour = '#ff4040';
/** What a tile shows, and the distance of its pixels; an image's own voxels stay visible. */
const fieldMm = 250;
const pixelMm = 1;

/** The tiles of a row: a plane and the distance from the middle along its normal, in mm. */
const views: readonly (readonly [Plane, number])[] = [
  ['axial', -45],
  ['axial', -20],
  ['axial', 0],
  ['axial', 20],
  ['axial', 45],
  ['coronal', -10],
  ['sagittal', 12],
];

/**
 * A picture to judge images by, as PNG: a row for each, all cut along the same planes through the
 * middle of the first, so that motion between them shows. Voxels are drawn as they are, without
 * smoothing. Radiological convention.
 */
export function contactSheetPng(rows: readonly SheetRow[], heading: string): Uint8Array {
  const grid = gridAbout(rows[0].image);
  const tiles: string[] = [];
  for (const [row, { name, image, mask }] of rows.entries()) {
    const y = captionPx + row * (tilePx + captionPx);
    const shown = resample(image, grid, { interpolation: 'nearest' });
    const outlined = mask && resample(mask, grid, { interpolation: 'nearest' });
    const window = { black: 0, white: percentile(image.data, 99.7) };
    const voxels = voxelSizeMm(image.affine).map((mm) => mm.toFixed(2));
    tiles.push(
      caption(`${name}, ${image.size.join(' x ')} voxels of ${voxels.join(' x ')} mm`, 6, y + 16),
    );
    for (const [column, [plane, offsetMm]] of views.entries()) {
      const index = Math.round(grid.size[planes[plane]] / 2 + offsetMm / pixelMm);
      const slice = sliceOf(shown, plane, index);
      const scale = tilePx / slice.width;
      const outline = outlined ? outlinePath(sliceOf(outlined, plane, index), scale, scale) : '';
      tiles.push(
        `<svg x="${column * tilePx}" y="${y + captionPx}" width="${tilePx - 2}" height="${tilePx - 2}">` +
          `<image width="${tilePx}" height="${tilePx}" href="${sliceAsDataUrl(slice, window)}"/>` +
          `<path d="${outline}" fill="none" stroke="${outlineColour}" stroke-width="0.8"/></svg>`,
      );
    }
  }
  const widthPx = views.length * tilePx;
  const heightPx = captionPx + rows.length * (tilePx + captionPx);
  return renderSvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}">` +
      `<rect width="100%" height="100%" fill="#000"/>${tiles.join('')}${caption(heading, 6, 16)}</svg>`,
  );
}

/** A cube about the middle of an image, in RAS. */
function gridAbout({ size, affine }: Grid): Grid {
  const [x, y, z] = applyToPoint(affine, [(size[0] - 1) / 2, (size[1] - 1) / 2, (size[2] - 1) / 2]);
  const count = Math.round(fieldMm / pixelMm);
  const half = fieldMm / 2;
  return {
    size: [count, count, count] as Size,
    affine: [pixelMm, 0, 0, x - half, 0, pixelMm, 0, y - half, 0, 0, pixelMm, z - half, 0, 0, 0, 1],
  };
}

function caption(text: string, x: number, y: number): string {
  return `<text x="${x}" y="${y}" font-family="DejaVu Sans" font-size="14" fill="#fff">${text}</text>`;
}
