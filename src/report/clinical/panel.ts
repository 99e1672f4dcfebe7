import { type Mat4, multiply, type Vec3, voxelSizeMm } from '../../volume/affine.js';
import { resample } from '../../volume/resample.js';
import type { Grid, Volume } from '../../volume/volume.js';
import { renderSvg, sliceAsDataUrl, type Window } from '../picture.js';
import { sidesOf } from '../side-marks.js';
import { outlinePath, type Plane, planes, type Slice, sliceOf } from '../slice.js';

/** An image with its lesions painted as their ids, both in RAS orientation on one grid. */
export interface Scene {
  readonly flair: Volume;
  readonly labels: Volume<Int32Array>;
  readonly window: Window;
  /** Maps points of the grid that panels are cut from to points of this image; identity if absent. */
  readonly toImage?: Mat4;
}

/**
 * Outlines are told apart without colour, by their dashes; a black line under each keeps them
 * visible on bright lesions. Colours as in {@link chartColours}, lightened for a dark ground.
 */
export const outlineStyles = {
  lesion: { colour: '#ffd400', widthPx: 2.2, dash: 'none' },
  before: { colour: '#ff9e3d', widthPx: 2.2, dash: '7 4' },
  others: { colour: '#7fd4ff', widthPx: 1.8, dash: '2 4' },
} as const;

/** Voxels of a slice to be outlined, 1 and 0. */
export interface Outline {
  readonly slice: Slice;
  readonly style: keyof typeof outlineStyles;
}

const markPx = 34;

/**
 * One voxel thick part of a grid in RAS orientation: of the slice `index` across the plane's axis,
 * `fieldMm` along the two other axes around the voxel `centre`. It may reach beyond the grid.
 */
export function partOf(
  { affine }: Grid,
  plane: Plane,
  index: number,
  centre: Vec3,
  fieldMm: Vec3,
): Grid {
  const mm = voxelSizeMm(affine);
  const axis = planes[plane];
  const size = mm.map((spacing, a) =>
    a === axis ? 1 : Math.max(1, Math.round(fieldMm[a] / spacing)),
  );
  const first = centre.map((c, a) => (a === axis ? index : Math.round(c - (size[a] - 1) / 2)));
  const shift = [1, 0, 0, first[0], 0, 1, 0, first[1], 0, 0, 1, first[2], 0, 0, 0, 1];
  return {
    size: size as unknown as Grid['size'],
    affine: multiply(affine, shift as unknown as Mat4),
  };
}

/** What a scene shows on a part of a grid, and its lesions there. */
export function cut(
  { flair, labels, toImage }: Scene,
  part: Grid,
  plane: Plane,
): { flair: Slice; labels: Slice } {
  const options = toImage ? { toMoving: toImage } : {};
  return {
    flair: sliceOf(resample(flair, part, options), plane, 0),
    labels: sliceOf(resample(labels, part, { ...options, interpolation: 'nearest' }), plane, 0),
  };
}

/** Where a slice is 1: the pixels whose value is chosen. */
export function choose(slice: Slice, isChosen: (value: number) => boolean): Slice {
  return { ...slice, values: slice.values.map((value) => (isChosen(value) ? 1 : 0)) };
}

/**
 * A slice with outlines and a mark of the side on its left, as PNG in its own proportions. The person's right is
 * on the left of axial and coronal slices.
 */
export function panelPng(
  slice: Slice,
  outlines: readonly Outline[],
  window: Window,
  plane: Plane,
  widthPx: number,
): Uint8Array {
  const [scaleX, scaleY] = pixelScale(slice, widthPx);
  const heightPx = Math.round(slice.height * scaleY);
  const lines = outlines.map(({ slice: mask, style }) => {
    const { colour, widthPx: strokePx, dash } = outlineStyles[style];
    const path = outlinePath(mask, scaleX, scaleY);
    return path === ''
      ? ''
      : `<path d="${path}" stroke="#000" stroke-opacity="0.75" stroke-width="${strokePx + 2}"/>` +
          `<path d="${path}" stroke="${colour}" stroke-width="${strokePx}" stroke-dasharray="${dash}"/>`;
  });
  const [side] = sidesOf[plane];
  return renderSvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}">` +
      `<rect width="100%" height="100%" fill="#000"/>` +
      `<image width="${widthPx}" height="${heightPx}" preserveAspectRatio="none" ` +
      `href="${sliceAsDataUrl(slice, window)}"/>` +
      `<g fill="none">${lines.join('')}</g>` +
      `${mark(side, 5, heightPx / 2 + markPx / 3)}` +
      `</svg>`,
  );
}

function pixelScale({ width, pixelWidthMm, pixelHeightMm }: Slice, widthPx: number) {
  const pxPerMm = widthPx / (width * pixelWidthMm);
  return [pixelWidthMm * pxPerMm, pixelHeightMm * pxPerMm];
}

const mark = (letter: string, x: number, y: number) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-family="DejaVu Sans" font-size="${markPx}" ` +
  `fill="#fff" stroke="#000" stroke-width="3" paint-order="stroke">${letter}</text>`;
