import { type Size, voxelCount } from './volume.js';

/**
 * A smooth function on a box: cubic B-splines on a mesh of equal elements, `elements` along each
 * axis, with `elements + 3` control points along each. Fitting is the approximation of Lee, Wolberg
 * and Shin 1997 (doi 10.1109/2945.620490, section 3.1), as N4 uses it. Its weights are products of
 * one factor per axis, and on a grid of points the sums over all points are therefore three small
 * matrix products, one for each axis.
 */
export class BSplineMesh {
  readonly #boxSize: Size;
  readonly #elements: number;

  /** @param boxSize extent of the box: from 0 to n - 1 along each axis */
  constructor(boxSize: Size, elements: number) {
    if (!(Number.isInteger(elements) && elements > 0)) throw new RangeError(`${elements} elements`);
    this.#boxSize = boxSize;
    this.#elements = elements;
  }

  get controlSize(): Size {
    const n = this.#elements + 3;
    return [n, n, n];
  }

  /**
   * Prepares fits to values at the points of a grid. `weights` says which points count (not 0).
   * The function returned takes values at the grid's points and gives the coefficients, 0 where no
   * point counts. `positions` are the points' coordinates along each axis.
   */
  fitter(positions: Positions, weights: Uint8Array): (values: Float64Array) => Float64Array {
    const size = gridSize(positions);
    const splines = this.#splines(positions);
    const squared = splines.map((matrix) => map(matrix, (w) => w * w));
    // Lee's phi_c = w_c z / sum(w^2), weighted by w_c^2: w_c^3 / sum(w^2), which factors by axis.
    const pulled = splines.map((matrix) => {
      const sums = new Float64Array(matrix.columns);
      matrix.values.forEach((w, at) => {
        sums[at % matrix.columns] += w * w;
      });
      return map(matrix, (w, column) => w ** 3 / sums[column]);
    });
    const share = reduceAxes(Float64Array.from(weights), size, squared);
    return (values) => {
      const counted = values.map((value, at) => (weights[at] === 0 ? 0 : value));
      const coefficients = reduceAxes(counted, size, pulled);
      return coefficients.map((sum, at) => (share[at] > 1e-9 ? sum / share[at] : 0));
    };
  }

  /**
   * Adds the function with these coefficients to `target`, at all points of a grid. Beyond the box
   * it goes on as at the box's border.
   */
  addTo(target: Float64Array | Float32Array, coefficients: Float64Array, positions: Positions) {
    const splines = this.#splines(positions);
    const [x, y, z] = splines.map(transposed);
    const control = this.controlSize;
    const [nx, ny] = gridSize(positions);
    const alongX = multiplyAlong(coefficients, control, 0, x);
    const alongY = multiplyAlong(alongX, [nx, control[1], control[2]], 1, y);
    multiplyAlong(alongY, [nx, ny, control[2]], 2, z, target);
  }

  /** For each axis, the values of all its B-splines (rows) at all positions (columns). */
  #splines(positions: Positions): Matrix[] {
    const elements = this.#elements;
    return positions.map((axisPositions, axis) => {
      const columns = axisPositions.length;
      const values = new Float64Array((elements + 3) * columns);
      const extent = Math.max(1, this.#boxSize[axis] - 1);
      axisPositions.forEach((position, column) => {
        const t = (Math.min(Math.max(position, 0), extent) / extent) * elements;
        const element = Math.min(Math.floor(t), elements - 1);
        const f = t - element;
        const weights = [
          (1 - f) ** 3 / 6,
          2 / 3 - 0.5 * f * f * (2 - f),
          2 / 3 - 0.5 * (1 - f) ** 2 * (1 + f),
          f ** 3 / 6,
        ];
        weights.forEach((weight, row) => {
          values[(element + row) * columns + column] = weight;
        });
      });
      return { rows: elements + 3, columns, values };
    });
  }
}

/** Coordinates of a grid's points along its three axes, in voxels of the box. */
export type Positions = readonly (readonly number[])[];

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

export function gridSize(positions: Positions): Size {
  return [positions[0].length, positions[1].length, positions[2].length];
}

function map(matrix: Matrix, change: (value: number, column: number) => number): Matrix {
  const values = matrix.values.map((value, at) => change(value, at % matrix.columns));
  return { ...matrix, values };
}

function transposed({ rows, columns, values }: Matrix): Matrix {
  const turned = new Float64Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = values[row * columns + column];
    }
  }
  return { rows: columns, columns: rows, values: turned };
}

/** All three axes in turn; the last first, where lines lie side by side and most is gained. */
function reduceAxes(values: Float64Array, size: Size, matrices: readonly Matrix[]): Float64Array {
  const [x, y, z] = matrices;
  const alongZ = multiplyAlong(values, size, 2, z);
  const alongY = multiplyAlong(alongZ, [size[0], size[1], z.rows], 1, y);
  return multiplyAlong(alongY, [size[0], y.rows, z.rows], 0, x);
}

/** Multiplies each line along an axis by a matrix; adds to `target`, or to zeros. */
function multiplyAlong<T extends Float64Array | Float32Array = Float64Array>(
  data: Float64Array,
  size: Size,
  axis: number,
  { rows, columns, values }: Matrix,
  target?: T,
): T {
  const stride = size.slice(0, axis).reduce((product, n) => product * n, 1);
  const blocks = voxelCount(size) / (stride * columns);
  const result = target ?? (new Float64Array(blocks * rows * stride) as T);
  for (let block = 0; block < blocks; block++) {
    for (let row = 0; row < rows; row++) {
      const to = (block * rows + row) * stride;
      for (let column = 0; column < columns; column++) {
        const factor = values[row * columns + column];
        if (factor === 0) continue;
        const from = (block * columns + column) * stride;
        for (let line = 0; line < stride; line++) result[to + line] += factor * data[from + line];
      }
    }
  }
  return result;
}
