import { concat, pad, reshape, slice, sumOf, transpose } from './expressions.js';
import { selectColumns } from './phases.js';
import { axes3, type ConvolutionGeometry, positions } from './positions.js';
import { bytesPerElement, type Emitter, type Value } from './value.js';

/** Copies made for one matrix product; larger ones take no less time, and more memory. */
const largestCopyBytes = 32 * 2 ** 20;

/**
 * Gradient with respect to the weight of a convolution, as matrix products over all voxels. Images
 * are lists of rows along the last axis. Taps of the first two axes choose rows: one Gather writes
 * all rows that each tap meets. Taps of the last axis shift the other image along its rows, where the
 * convolution keeps their length; else they choose columns. Measured against other lowerings in
 * docs/decisions/0041-weight-gradient.md.
 * @param input [batch, inputs, ...]
 * @param outputGradient [batch, outputs, ...]
 * @returns [outputs, inputs, ...kernel]
 */
export function convolutionWeightGradient(
  g: Emitter,
  input: Value,
  outputGradient: Value,
  geometry: ConvolutionGeometry,
): Value {
  const { kernel, strides, pads } = geometry;
  const keepsRows =
    strides[2] === 1 && 2 * pads[2] === kernel[2] - 1 && 2 * pads[5] === kernel[2] - 1;
  return keepsRows
    ? weightGradientOfShifts(g, input, outputGradient, geometry)
    : weightGradientOfColumns(g, input, outputGradient, geometry);
}

/**
 * With m zeros before each row of the gathered image and m after each row of the other, shifting the
 * other by 0 to 2 m numbers pairs all taps, and what it shifts into the next row meets zeros.
 */
function weightGradientOfShifts(
  g: Emitter,
  input: Value,
  outputGradient: Value,
  geometry: ConvolutionGeometry,
): Value {
  const { kernel, strides, pads } = geometry;
  const inputs = input.shape[1];
  const outputs = outputGradient.shape[1];
  // The copies of the gathered image are more: it is the one with fewer channels.
  const gathersInput = inputs <= outputs || strides.some((stride) => stride !== 1);
  const [gathered, shifted] = gathersInput ? [input, outputGradient] : [outputGradient, input];
  const rowOf = gathersInput
    ? (axis: number, at: number, tap: number) => strides[axis] * at + tap - pads[axis]
    : (axis: number, at: number, tap: number) => at + pads[axis] - tap;
  const margin = pads[2];
  const rowLength = input.shape[4] + margin;
  const taps = kernel[0] * kernel[1];
  // For the end of what the last rows are shifted by.
  const rowsAfter = Math.ceil((2 * margin) / rowLength);
  const found = gatherRows(g, gathered, shifted, kernel, rowOf, { margin, rowsAfter });
  const shiftedRows = pad(g, rowsOf(g, shifted), [0, 0, 0], [0, 0, margin]);
  const products = found.map(({ rows, start, end }) => {
    const part = reshape(g, slice(g, shiftedRows, 1, start, end), [
      shifted.shape[1],
      (end - start) * rowLength,
    ]);
    const length = (end - start + rowsAfter) * rowLength;
    return g.op('Gemm', [rows, shiftedCopies(g, part, kernel[2], length)], {
      transA: 0,
      transB: 1,
    });
  });
  const product = reshape(g, sumOf(g, products), [
    gathered.shape[1],
    taps,
    shifted.shape[1],
    kernel[2],
  ]);
  const perTap = gathersInput
    ? transpose(g, product, [2, 0, 1, 3])
    : selectColumns(
        g,
        transpose(g, product, [0, 2, 1, 3]),
        Array.from({ length: kernel[2] }, (_, tap) => kernel[2] - 1 - tap),
      );
  return reshape(g, perTap, [outputs, inputs, ...kernel]);
}

/**
 * Copies of each row of numbers, one below the other, each shifted one number further, zeros before.
 * Written end to end with one number more than a row is long, they shift by themselves.
 * @param x [channels, n]
 * @param length of the result's rows
 * @returns [channels * copies, length]
 */
function shiftedCopies(g: Emitter, x: Value, copies: number, length: number): Value {
  const [channels, n] = x.shape;
  if (copies === 1) return x;
  const parts: Value[] = [];
  for (let copy = 0; copy < copies; copy++) {
    const zeros = length - n + (copy < copies - 1 ? 1 : 1 - copies);
    parts.push(x);
    if (zeros > 0) parts.push(g.constant(new Float32Array(channels * zeros), [channels, zeros]));
  }
  return reshape(g, concat(g, parts, 1), [channels * copies, length]);
}

/** One product for each tap of the last axis, of the columns of the input that it meets. */
function weightGradientOfColumns(
  g: Emitter,
  input: Value,
  outputGradient: Value,
  { kernel, strides, pads }: ConvolutionGeometry,
): Value {
  const inputs = input.shape[1];
  const [, outputs, , , width] = outputGradient.shape;
  const rowOf = (axis: number, at: number, tap: number) => strides[axis] * at + tap - pads[axis];
  const gradientRows = rowsOf(g, outputGradient);
  const perTap = Array.from({ length: kernel[2] }, (_, tap) => {
    const columns = Array.from({ length: width }, (_, at) => {
      const column = rowOf(2, at, tap);
      return column < input.shape[4] ? column : -1;
    });
    const chosen = selectColumns(g, input, columns);
    const plain = { margin: 0, rowsAfter: 0 };
    const products = gatherRows(g, chosen, outputGradient, kernel, rowOf, plain).map(
      ({ rows, start, end }) => {
        const part = slice(g, gradientRows, 1, start, end);
        const flat = reshape(g, part, [outputs, (end - start) * width]);
        return g.op('Gemm', [rows, flat], { transA: 0, transB: 1 });
      },
    );
    return reshape(g, sumOf(g, products), [inputs, kernel[0] * kernel[1], 1, outputs]);
  });
  return reshape(g, transpose(g, concat(g, perTap, 2), [3, 0, 1, 2]), [outputs, inputs, ...kernel]);
}

/** Rows that each tap of the first two axes meets, for some of the rows of another image. */
interface GatheredRows {
  /** [channels * taps, (end - start + rowsAfter) * row length]. */
  readonly rows: Value;
  readonly start: number;
  readonly end: number;
}

/**
 * @param target its rows, of all samples, are divided into parts
 * @param rowOf index along an axis that a tap meets at an index of the target
 * @param margin zeros before each row
 * @param rowsAfter rows of zeros after each part
 */
function gatherRows(
  g: Emitter,
  image: Value,
  target: Value,
  kernel: readonly number[],
  rowOf: (axis: number, at: number, tap: number) => number,
  { margin, rowsAfter }: { readonly margin: number; readonly rowsAfter: number },
): GatheredRows[] {
  const [batch, channels, depth, height, width] = image.shape;
  const imageRows = batch * depth * height;
  const taps = positions(kernel.slice(0, 2));
  const targetRows = positions([batch, ...target.shape.slice(2, 4)]);
  const met = taps.map(([a, b]) =>
    targetRows.map(([sample, i, j]) => {
      const d = rowOf(0, i, a);
      const h = rowOf(1, j, b);
      const isInside = d >= 0 && d < depth && h >= 0 && h < height;
      // The row after the last is zeros.
      return isInside ? (sample * depth + d) * height + h : imageRows;
    }),
  );
  const length = (rows: number) => (rows + rowsAfter) * (width + margin);
  const isIdentity =
    taps.length === 1 &&
    targetRows.length === imageRows &&
    met[0].every((row, index) => row === index);
  if (isIdentity && margin === 0) {
    const rows = reshape(g, rowsOf(g, image), [channels, length(imageRows)]);
    return [{ rows, start: 0, end: imageRows }];
  }
  const rows = pad(g, rowsOf(g, image), [0, 0, margin], [0, 1, 0]);
  const rowBytes = channels * taps.length * (width + margin) * bytesPerElement.float32;
  const parts = Math.ceil((targetRows.length * rowBytes) / largestCopyBytes);
  const rowsPerPart = Math.ceil(targetRows.length / parts);
  return Array.from({ length: Math.ceil(targetRows.length / rowsPerPart) }, (_, part) => {
    const start = part * rowsPerPart;
    const end = Math.min(start + rowsPerPart, targetRows.length);
    const after = new Array<number>(rowsAfter).fill(imageRows);
    const indices = met.flatMap((ofTap) => [...ofTap.slice(start, end), ...after]);
    const chosen = g.op('Gather', [rows], { axis: 1, indices });
    const shape = [channels * taps.length, length(end - start)];
    return { rows: reshape(g, chosen, shape), start, end };
  });
}

/** [batch, channels, depth, height, width] as [channels, batch * depth * height, width]. */
function rowsOf(g: Emitter, x: Value): Value {
  const [batch, channels, depth, height, width] = x.shape;
  const channelsFirst = transpose(g, x, [1, 0, ...axes3.map((axis) => axis + 2)]);
  return reshape(g, channelsFirst, [channels, batch * depth * height, width]);
}
