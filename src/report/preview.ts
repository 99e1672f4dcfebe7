import type { ResultKind } from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { encodePng } from '../formats/png.js';
import { changeClasses } from '../quantify/change.js';
import type { Language } from '../remarks.js';
import { applyToPoint, type Mat4, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { reorient } from '../volume/reorient.js';
import type { Mask, Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';
import { changeLegend, describedChanges, shownChanges, withLegend } from './change-legend.js';
import { outlinedChange } from './change-outlines.js';
import { classesIn } from './change-styles.js';
import { outlinedSlice } from './outlined-slice.js';
import { drawSideMarks, sidesOf } from './side-marks.js';
import { acquiredPlane, type Plane, planes, sliceOf } from './slice.js';
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

/** What became of the lesions of the exam that is shown, since the exam before it. */
export interface PreviewedChange {
  /** Numbers of `change.nii.gz`, on the FLAIR's grid. */
  readonly map: Volume<Uint8Array>;
  /** The legend's. */
  readonly language: Language;
}

/**
 * Every slice of a FLAIR with the outlines of its lesions, as PNG files `slice-001.png` on from the
 * person's left, back or below, with a description of their place in space: what a DICOM series
 * needs. The slices lie in the plane of acquisition, a pixel of the picture is one of the FLAIR,
 * and the person's right is on the left of axial and coronal slices. Outlines are drawn on the
 * pixels just outside a lesion, whose own pixels stay as they are. With `change` they show what
 * became of each lesion, with a legend on the right of the slice. All volumes lie on one grid.
 */
export function previewFiles(
  flair: Volume,
  lesions: Mask,
  brain: Mask,
  change?: PreviewedChange,
): Map<string, Uint8Array> {
  const image = reorient(flair);
  const mask = reorient(lesions);
  const map = change && reorient(change.map);
  const window = flairWindow(flair, brain);
  const plane = acquiredPlane(image.affine);
  const axis = planes[plane];
  const count = image.size[axis];
  const name = (index: number) =>
    `slice-${String(index + 1).padStart(Math.max(3, String(count).length), '0')}.png`;
  const shown = map && shownChanges(map, mask);
  const { width, height } = sliceOf(image, plane, 0);
  const legend = shown && changeLegend(shown, { width, height }, change!.language);

  const files = new Map<string, Uint8Array>();
  const slices = Array.from({ length: count }, (_, index) => {
    const [slice, own] = [sliceOf(image, plane, index), sliceOf(mask, plane, index)];
    const changed = map && sliceOf(map, plane, index);
    const rgb = changed
      ? outlinedChange({ flair: slice, change: changed, lesions: own }, window)
      : outlinedSlice(slice, own, window);
    drawSideMarks(rgb, width, height, sidesOf[plane]);
    const picture = withLegend({ rgb, width, height }, legend);
    files.set(name(index), encodePng(picture.rgb, picture.width, picture.height));
    return {
      file: name(index),
      imagePositionLpsMm: positionLps(image, plane, index),
      ...(changed && {
        changeClasses: classesIn(changed.values).map((at) => changeClasses[at - 1]),
      }),
    };
  });
  const description = {
    ...previewSchema,
    plane,
    window,
    ...orientationLps(image, plane),
    ...(shown && {
      change: { slicePixels: [width, height], ...describedChanges(shown, change!.language) },
    }),
    slices,
  };
  files.set(previewDescription, jsonBytes(description));
  return files;
}

export const previewFilesInWorker = inWorker<typeof previewFiles>(import.meta.url, 'previewFiles');

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
