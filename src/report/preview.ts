import type { ResultKind } from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { encodePng } from '../formats/png.js';
import { applyToPoint, type Mat4, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { reorient } from '../volume/reorient.js';
import type { Mask, Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';
import type { Window } from './picture.js';
import { drawSideMarks, sidesOf } from './side-marks.js';
import { acquiredPlane, type Plane, planes, type Slice, sliceOf } from './slice.js';
import { flairWindow } from './window.js';

/** Name and version of the description beside the pictures. */
export const previewSchema = { schema: 'dawson-preview', schemaVersion: 1 } as const;
export const previewDescription = 'preview.json';

/** What the folder of a preview is known by. */
export const previewResult: ResultKind = {
  names: /^(preview\.json|slice-\d{3,5}\.png)$/,
  marker: previewDescription,
  schema: previewSchema.schema,
};

/** Red, green, blue, 0 to 255. */
export type Colour = readonly [number, number, number];

const rimColour: Colour = [255, 212, 0];

/**
 * Every slice of a FLAIR with the outlines of its lesions, as PNG files `slice-001.png` on from the
 * person's left, back or below, with a description of their place in space: what a DICOM series
 * needs. The slices lie in the plane of acquisition, a pixel of the picture is one of the FLAIR,
 * and the person's right is on the left of axial and coronal slices. Outlines are drawn on the
 * pixels just outside a lesion, whose own pixels stay as they are. All volumes lie on one grid.
 */
export function previewFiles(flair: Volume, lesions: Mask, brain: Mask): Map<string, Uint8Array> {
  const image = reorient(flair);
  const mask = reorient(lesions);
  const window = flairWindow(flair, brain);
  const plane = acquiredPlane(image.affine);
  const axis = planes[plane];
  const count = image.size[axis];
  const name = (index: number) =>
    `slice-${String(index + 1).padStart(Math.max(3, String(count).length), '0')}.png`;

  const files = new Map<string, Uint8Array>();
  const slices = Array.from({ length: count }, (_, index) => {
    const slice = sliceOf(image, plane, index);
    const rgb = outlinedSlice(slice, sliceOf(mask, plane, index), window);
    drawSideMarks(rgb, slice.width, slice.height, sidesOf[plane]);
    files.set(name(index), encodePng(rgb, slice.width, slice.height));
    return { file: name(index), imagePositionLpsMm: positionLps(image, plane, index) };
  });
  const description = {
    ...previewSchema,
    plane,
    window,
    ...orientationLps(image, plane),
    slices,
  };
  files.set(previewDescription, jsonBytes(description));
  return files;
}

export const previewFilesInWorker = inWorker<typeof previewFiles>(import.meta.url, 'previewFiles');

type Pixels = Pick<Slice, 'values' | 'width' | 'height'>;

/**
 * A slice of a FLAIR in grey, with the outlines of its lesions, as RGB.
 * @param colours of the outlines by the values of `lesions` from 1 on; the last stands for larger ones
 */
export function outlinedSlice(
  flair: Pixels,
  lesions: Pixels,
  window: Window,
  colours: readonly Colour[] = [rimColour],
): Uint8Array {
  const rgb = grey(flair, window.black, window.white);
  drawRims(rgb, lesions, (value) => colours[Math.min(value, colours.length) - 1]);
  return rgb;
}

function grey({ values }: Pixels, black: number, white: number): Uint8Array {
  const rgb = new Uint8Array(3 * values.length);
  const scale = white > black ? 255 / (white - black) : 0;
  for (let pixel = 0; pixel < values.length; pixel++) {
    const level = Math.round(Math.min(255, Math.max(0, (values[pixel] - black) * scale)));
    rgb.fill(level, 3 * pixel, 3 * pixel + 3);
  }
  return rgb;
}

/** Colours the pixels outside the mask that share an edge with it. */
function drawRims(
  rgb: Uint8Array,
  { values, width, height }: Pixels,
  colourOf: (value: number) => Colour,
): void {
  for (let row = 0, pixel = 0; row < height; row++) {
    for (let column = 0; column < width; column++, pixel++) {
      if (values[pixel] !== 0) continue;
      const touched =
        (column > 0 && values[pixel - 1]) ||
        (column < width - 1 && values[pixel + 1]) ||
        (row > 0 && values[pixel - width]) ||
        (row < height - 1 && values[pixel + width]);
      if (touched) rgb.set(colourOf(touched), 3 * pixel);
    }
  }
}

/** Centre of the picture's first pixel, LPS mm: DICOM's Image Position (Patient). */
function positionLps({ affine, size }: Volume, plane: Plane, index: number): Vec3 {
  const voxel = size.map((n, axis) => (axis === planes[plane] ? index : n - 1));
  const [x, y, z] = applyToPoint(affine, voxel as unknown as Vec3);
  return [-x, -y, z];
}

/** Directions of a row and a column of the picture (DICOM's order), LPS, and the pixels' size. */
function orientationLps(image: Volume, plane: Plane) {
  const [across, down] = [0, 1, 2].filter((axis) => axis !== planes[plane]);
  const mm = voxelSizeMm(image.affine);
  return {
    imageOrientationLps: [...backwards(image.affine, across), ...backwards(image.affine, down)],
    pixelSpacingMm: [mm[down], mm[across]],
    sliceSpacingMm: mm[planes[plane]],
  };
}

/** Direction against a voxel axis, as a unit vector in LPS: pictures run from right, front and top. */
function backwards(affine: Mat4, axis: number): number[] {
  const column = [affine[axis], affine[4 + axis], affine[8 + axis]];
  const length = Math.hypot(...column);
  return [column[0] / length, column[1] / length, -column[2] / length];
}
