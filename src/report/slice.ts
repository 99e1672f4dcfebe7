import { type Mat4, voxelSizeMm } from '../volume/affine.js';
import type { Volume } from '../volume/volume.js';

/** The three planes of a volume in RAS orientation, and the voxel axis each is perpendicular to. */
export const planes = { sagittal: 0, coronal: 1, axial: 2 } as const;
export type Plane = keyof typeof planes;

/** Slices this much thicker than a pixel is wide were acquired as slices. */
const sliceRatio = 1.5;

/** Plane of the slices that an image in RAS orientation was acquired in; axial for one without. */
export function acquiredPlane(affine: Mat4): Plane {
  const mm = voxelSizeMm(affine);
  const axis = mm.indexOf(Math.max(...mm));
  if (mm[axis] < sliceRatio * Math.min(...mm)) return 'axial';
  return (Object.keys(planes) as Plane[]).find((plane) => planes[plane] === axis)!;
}

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

/** Steps along the pixels' edges: right, down, left, up. */
const steps = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/** What is outlined: the pixels that are not 0. */
type OutlinedPixels = Pick<Slice, 'values' | 'width' | 'height'>;

/** A step along the edge of a pixel, from the corner at the top left of the pixel `column`, `row`. */
export interface EdgeStep {
  readonly column: number;
  readonly row: number;
  /** 0 right, 1 down, 2 left, 3 up: what is outlined lies on its right. */
  readonly direction: number;
}

/**
 * Outline of the pixels that are not 0: closed loops of steps along the pixels' edges. Pixels that
 * touch only by a corner have loops of their own.
 */
export function outlineLoops(slice: OutlinedPixels): EdgeStep[][] {
  const columns = slice.width + 1;
  const edges = directedEdges(slice);
  const loops: EdgeStep[][] = [];
  for (let start = 0; start < edges.length; start++) {
    while (edges[start] !== 0) {
      const loop: EdgeStep[] = [];
      let corner = start;
      let direction = -1;
      do {
        // Turning right first stays with the same pixel.
        direction = [direction + 1, direction, direction + 3, 0, 1, 2, 3]
          .map((turn) => turn & 3)
          .find((turn) => (edges[corner] >> turn) & 1)!;
        loop.push({ column: corner % columns, row: Math.floor(corner / columns), direction });
        edges[corner] &= ~(1 << direction);
        corner += steps[direction][0] + steps[direction][1] * columns;
      } while (corner !== start);
      loops.push(loop);
    }
  }
  return loops;
}

/**
 * Outline of the pixels that are not 0, as the path data of an SVG in which a pixel has the given
 * width and height. It runs along the pixels' edges, so that it shows exactly what the mask holds,
 * in closed loops, so that dashes run on around corners.
 */
export function outlinePath(slice: Slice, pixelWidth: number, pixelHeight: number): string {
  const point = ({ column, row }: EdgeStep) =>
    `${(column * pixelWidth).toFixed(2)} ${(row * pixelHeight).toFixed(2)}`;
  return outlineLoops(slice)
    .map((loop) => {
      const turns = loop.filter(({ direction }, at) => direction !== loop[at - 1]?.direction);
      return `M${turns.map(point).join('L')}Z`;
    })
    .join('');
}

/**
 * For every corner of the pixels the directions, as bits, in which an edge between inside and
 * outside leaves it with the inside on its right.
 */
function directedEdges({ values, width, height }: OutlinedPixels): Uint8Array {
  const columns = width + 1;
  const edges = new Uint8Array(columns * (height + 1));
  const inside = (column: number, row: number) =>
    column >= 0 && row >= 0 && column < width && row < height && values[row * width + column] !== 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (!inside(column, row)) continue;
      const corner = row * columns + column;
      if (!inside(column, row - 1)) edges[corner] |= 1;
      if (!inside(column + 1, row)) edges[corner + 1] |= 2;
      if (!inside(column, row + 1)) edges[corner + columns + 1] |= 4;
      if (!inside(column - 1, row)) edges[corner + columns] |= 8;
    }
  }
  return edges;
}
