import type { Lesions } from '../quantify/lesions.js';
import { applyToPoint, invert, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { type Box, boxOrAll } from '../volume/box.js';
import { reorient } from '../volume/reorient.js';
import type { Mask, Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';
import { renderSvg, sliceAsDataUrl, type Window } from './picture.js';
import { outlinePath, type Plane, pixelOf, planes, sliceOf } from './slice.js';
import { flairWindow } from './window.js';

const lesionColour = '#ff4040';
const montage = { columns: 6, rows: 4, tilePx: 240 };
const detail = { lesions: 3, tilePx: 320, fieldMm: 70 };
const captionPx = 26;

interface Scene {
  readonly flair: Volume;
  readonly lesions: Mask;
  readonly window: Window;
}

/** The part of a slice that a tile shows, in mm from the slice's top left corner. */
interface Frame {
  readonly leftMm: number;
  readonly topMm: number;
  readonly widthMm: number;
  readonly heightMm: number;
}

/**
 * The picture of a result, as PNG: axial FLAIR slices through the brain with lesion contours, and
 * below them the three largest lesions in three planes. Radiological convention: the person's right
 * is on the left. All volumes lie on the FLAIR's own grid.
 */
export function overlayPng(
  flair: Volume,
  brain: Mask,
  lesions: Lesions,
  heading: string,
): Uint8Array {
  const scene: Scene = {
    flair: reorient(flair),
    lesions: reorient(lesions.mask) as Mask,
    window: flairWindow(flair, brain),
  };
  const brainBox = boxOrAll(reorient(brain) as Mask);
  const widthPx = montage.columns * montage.tilePx;
  const montagePx = montage.rows * montage.tilePx;
  const shown = lesions.list.slice(0, detail.lesions);

  const tiles: string[] = [];
  for (const [position, slice] of montageSlices(brainBox).entries()) {
    const x = (position % montage.columns) * montage.tilePx;
    const y = captionPx + Math.floor(position / montage.columns) * montage.tilePx;
    tiles.push(
      tile(scene, 'axial', slice, brainFrame(scene.flair, brainBox), x, y, montage.tilePx),
    );
    tiles.push(caption(`${slice + 1}`, x + 6, y + montage.tilePx - 8, 12));
  }
  let bottomPx = captionPx + montagePx;
  for (const [row, lesion] of shown.entries()) {
    const y = captionPx + montagePx + captionPx + row * (detail.tilePx + captionPx);
    const centre = nearestVoxel(scene.flair, lesion.centroidMm);
    tiles.push(
      caption(
        `Lesion ${lesion.id}: ${lesion.volumeMl.toFixed(2)} ml at ${place(lesion.centroidMm)}`,
        8,
        y - 8,
        15,
      ),
    );
    for (const [column, plane] of (['axial', 'coronal', 'sagittal'] as const).entries()) {
      const x = column * (widthPx / 3) + (widthPx / 3 - detail.tilePx) / 2;
      const frame = detailFrame(scene.flair, plane, centre);
      tiles.push(tile(scene, plane, centre[planes[plane]], frame, x, y, detail.tilePx));
      tiles.push(caption(plane, x + 6, y + detail.tilePx - 8, 12));
    }
    bottomPx = y + detail.tilePx;
  }
  const heightPx = bottomPx + captionPx;
  return renderSvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}">` +
      `<rect width="100%" height="100%" fill="#000"/>${tiles.join('')}` +
      `${caption(heading, 8, 18, 15)}` +
      `${caption('R', 6, captionPx + 20, 15)}${caption('L', widthPx - 18, captionPx + 20, 15)}` +
      `${caption('Not a medical device. Not for diagnosis.', 8, heightPx - 8, 12)}</svg>`,
  );
}

export const overlayPngInWorker = inWorker<typeof overlayPng>(import.meta.url, 'overlayPng');

/** Evenly spaced axial slices from the first to the last with brain, all of them if few enough. */
function montageSlices({ first, size }: Box): number[] {
  const tiles = montage.columns * montage.rows;
  const slices = size[2];
  if (slices <= tiles) return Array.from({ length: Math.max(0, slices) }, (_, n) => first[2] + n);
  // The outermost slices show little: spread the tiles over the inner part of equal shares.
  return Array.from(
    { length: tiles },
    (_, n) => first[2] + Math.floor(((n + 0.5) * slices) / tiles),
  );
}

/** A part of one slice with the outline of its lesions, as SVG, in a square of `sidePx`. */
function tile(
  { flair, lesions, window }: Scene,
  plane: Plane,
  index: number,
  frame: Frame,
  x: number,
  y: number,
  sidePx: number,
): string {
  const slice = sliceOf(flair, plane, index);
  const pxPerMm = sidePx / Math.max(frame.widthMm, frame.heightMm);
  const [scaleX, scaleY] = [slice.pixelWidthMm * pxPerMm, slice.pixelHeightMm * pxPerMm];
  const left = (sidePx - frame.widthMm * pxPerMm) / 2 - frame.leftMm * pxPerMm;
  const top = (sidePx - frame.heightMm * pxPerMm) / 2 - frame.topMm * pxPerMm;
  return (
    `<svg x="${x}" y="${y}" width="${sidePx - 2}" height="${sidePx - 2}">` +
    `<g transform="translate(${left.toFixed(2)} ${top.toFixed(2)})">` +
    `<image width="${(slice.width * scaleX).toFixed(2)}" height="${(slice.height * scaleY).toFixed(2)}" ` +
    `preserveAspectRatio="none" href="${sliceAsDataUrl(slice, window)}"/>` +
    `<path d="${outlinePath(sliceOf(lesions, plane, index), scaleX, scaleY)}" fill="none" ` +
    `stroke="${lesionColour}" stroke-width="1.4"/></g></svg>`
  );
}

function caption(text: string, x: number, y: number, sizePx: number): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" font-family="DejaVu Sans" font-size="${sizePx}" fill="#fff">${escaped}</text>`;
}

/** The brain's box in axial slices with a margin of 8 mm. */
function brainFrame(flair: Volume, { first, size }: Box): Frame {
  const [dx, dy] = voxelSizeMm(flair.affine);
  const [left, top] = pixelOf(flair, 'axial', [first[0] + size[0] - 1, first[1] + size[1] - 1, 0]);
  const marginMm = 8;
  return {
    leftMm: left * dx - marginMm,
    topMm: top * dy - marginMm,
    widthMm: size[0] * dx + 2 * marginMm,
    heightMm: size[1] * dy + 2 * marginMm,
  };
}

function detailFrame(flair: Volume, plane: Plane, centre: Vec3): Frame {
  const { pixelWidthMm, pixelHeightMm } = sliceOf(flair, plane, centre[planes[plane]]);
  const [column, row] = pixelOf(flair, plane, centre);
  return {
    leftMm: (column + 0.5) * pixelWidthMm - detail.fieldMm / 2,
    topMm: (row + 0.5) * pixelHeightMm - detail.fieldMm / 2,
    widthMm: detail.fieldMm,
    heightMm: detail.fieldMm,
  };
}

function nearestVoxel(volume: Volume, pointMm: Vec3): Vec3 {
  return applyToPoint(invert(volume.affine), pointMm).map((index, axis) =>
    Math.min(volume.size[axis] - 1, Math.max(0, Math.round(index))),
  ) as unknown as Vec3;
}

/** A position in words: how far right or left, anterior or posterior, superior or inferior. */
function place([x, y, z]: Vec3): string {
  const along = (mm: number, positive: string, negative: string) =>
    `${mm < 0 ? negative : positive} ${Math.abs(mm).toFixed(0)}`;
  return `${along(x, 'R', 'L')}, ${along(y, 'A', 'P')}, ${along(z, 'S', 'I')} mm`;
}
