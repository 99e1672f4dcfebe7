import { voxelSizeMm } from '../volume/affine.js';
import type { Volume } from '../volume/volume.js';

/** The three planes of a volume in RAS orientation, and the voxel axis each is perpendicular to. */
export const planes = { sagittal: 0, coronal: 1, axial: 2 } as const;
export type Plane = keyof typeof planes;

/** One slice as a reader sees it: values row by row from the top left. */
export interface Slice {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly pixelWidthMm: number;
  readonly pixelHeightMm: number;
}

/**
 * A slice of a volume in RAS orientation, shown in the radiological convention: the person's right
 * is on the left of axial and coronal slices, anterior on the left of sagittal ones, and anterior
 * (axial) or superior (coronal, sagittal) is at the top.
 */
export function sliceOf(volume: Volume, plane: Plane, index: number): Slice {
  const { data, size } = volume;
  const mm = voxelSizeMm(volume.affine);
  const [across, down] = plane === 'sagittal' ? [1, 2] : plane === 'coronal' ? [0, 2] : [0, 1];
  const stride = [1, size[0], size[0] * size[1]];
  const width = size[across];
  const height = size[down];
  const values = new Float32Array(width * height);
  const offset = index * stride[planes[plane]];
  for (let row = 0, pixel = 0; row < height; row++) {
    const start = offset + (height - 1 - row) * stride[down];
    for (let column = 0; column < width; column++, pixel++) {
      values[pixel] = data[start + (width - 1 - column) * stride[across]];
    }
  }
  return { values, width, height, pixelWidthMm: mm[across], pixelHeightMm: mm[down] };
}

/** Place of a voxel in {@link sliceOf}'s picture: column and row of its pixel's top left corner. */
export function pixelOf(volume: Volume, plane: Plane, voxel: readonly number[]): [number, number] {
  const [across, down] = plane === 'sagittal' ? [1, 2] : plane === 'coronal' ? [0, 2] : [0, 1];
  return [volume.size[across] - 1 - voxel[across], volume.size[down] - 1 - voxel[down]];
}

/**
 * Outline of the pixels that are not 0, as the path data of an SVG in which a pixel has the given
 * width and height: it runs along the pixels' edges, so that it shows exactly what the mask holds.
 */
export function outlinePath(
  { values, width, height }: Slice,
  pixelWidth: number,
  pixelHeight: number,
): string {
  const x = (column: number) => (column * pixelWidth).toFixed(2);
  const y = (row: number) => (row * pixelHeight).toFixed(2);
  const inside = (column: number, row: number) =>
    column >= 0 && row >= 0 && column < width && row < height && values[row * width + column] !== 0;
  const path: string[] = [];
  for (let row = 0; row <= height; row++) {
    for (let column = 0; column < width; column++) {
      if (inside(column, row) === inside(column, row - 1)) continue;
      const start = column;
      while (column < width && inside(column, row) !== inside(column, row - 1)) column++;
      path.push(`M${x(start)} ${y(row)}H${x(column)}`);
    }
  }
  for (let column = 0; column <= width; column++) {
    for (let row = 0; row < height; row++) {
      if (inside(column, row) === inside(column - 1, row)) continue;
      const start = row;
      while (row < height && inside(column, row) !== inside(column - 1, row)) row++;
      path.push(`M${x(column)} ${y(start)}V${y(row)}`);
    }
  }
  return path.join('');
}
