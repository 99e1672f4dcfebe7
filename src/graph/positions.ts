/** Geometry of a convolution over three axes, without dilation and groups. */
export interface ConvolutionGeometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  /** Zeros before and after each axis: three and three numbers. */
  readonly pads: readonly number[];
}

export const axes3 = [0, 1, 2];

/** All positions in a box, the last axis fastest. */
export function positions(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (rows, n) => rows.flatMap((row) => Array.from({ length: n }, (_, i) => [...row, i])),
    [[]],
  );
}
