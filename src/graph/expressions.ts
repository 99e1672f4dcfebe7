import type { Emitter, Value } from './value.js';

/** Short forms of the operators, for graphs written by hand. */

export const add = (g: Emitter, a: Value, b: Value): Value => g.op('Add', [a, b]);
export const subtract = (g: Emitter, a: Value, b: Value): Value => g.op('Sub', [a, b]);
export const multiply = (g: Emitter, a: Value, b: Value): Value => g.op('Mul', [a, b]);
export const divide = (g: Emitter, a: Value, b: Value): Value => g.op('Div', [a, b]);

export const scalar = (g: Emitter, value: number): Value => g.constant(Float32Array.of(value), []);

export const scale = (g: Emitter, a: Value, factor: number): Value =>
  factor === 1 ? a : multiply(g, a, scalar(g, factor));

/** A value as another one times a number, so that the number can be applied where it costs less. */
export function factored(value: Value): { readonly value: Value; readonly factor: number } {
  const { source } = value;
  if (source.kind !== 'operator' || source.operator !== 'Mul') return { value, factor: 1 };
  const [a, b] = source.inputs;
  return b.source.kind === 'constant' && b.shape.length === 0
    ? { value: a, factor: b.source.data[0] }
    : { value, factor: 1 };
}

export function sumOf(g: Emitter, values: readonly Value[]): Value {
  if (values.length === 0) throw new RangeError('the sum of no values');
  return values.reduce((sum, value) => add(g, sum, value));
}

export function reshape(g: Emitter, x: Value, shape: readonly number[]): Value {
  return sameNumbers(x.shape, shape) ? x : g.op('Reshape', [x], { shape });
}

/** Axis a of the result is axis `perm[a]` of x. */
export function transpose(g: Emitter, x: Value, perm: readonly number[]): Value {
  // Where only axes of length 1 move, the bytes stay where they are.
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1])) {
    return reshape(
      g,
      x,
      perm.map((axis) => x.shape[axis]),
    );
  }
  return g.op('Transpose', [x], { perm });
}

/** x[..., start:end:step, ...] along one axis. */
export function slice(
  g: Emitter,
  x: Value,
  axis: number,
  start: number,
  end: number,
  step = 1,
): Value {
  if (start === 0 && end === x.shape[axis] && step === 1) return x;
  return g.op('Slice', [x], { starts: [start], ends: [end], axes: [axis], steps: [step] });
}

/** A box of a given size, from `start` on along each axis, in one pass. */
export function crop(
  g: Emitter,
  x: Value,
  start: readonly number[],
  size: readonly number[],
): Value {
  const axes = size.flatMap((n, axis) => (n === x.shape[axis] ? [] : [axis]));
  if (axes.length === 0) return x;
  return g.op('Slice', [x], {
    starts: axes.map((axis) => start[axis]),
    ends: axes.map((axis) => start[axis] + size[axis]),
    axes,
    steps: axes.map(() => 1),
  });
}

/** Zeros before and after each axis. */
export function pad(
  g: Emitter,
  x: Value,
  before: readonly number[],
  after: readonly number[],
): Value {
  const pads = [...before, ...after];
  return pads.every((n) => n === 0) ? x : g.op('Pad', [x], { pads });
}

export function concat(g: Emitter, values: readonly Value[], axis: number): Value {
  return values.length === 1 ? values[0] : g.op('Concat', values, { axis });
}

/** The sum over axes, which stay with length 1. */
export function reduceSum(g: Emitter, x: Value, axes: readonly number[]): Value {
  const summed = axes.filter((axis) => x.shape[axis] !== 1);
  return summed.length === 0 ? x : g.op('ReduceSum', [x], { axes: summed, keepdims: 1 });
}

export const reduceMean = (g: Emitter, x: Value, axes: readonly number[]): Value =>
  g.op('ReduceMean', [x], { axes, keepdims: 1 });

/** Sums over whatever axes broadcasting had added or enlarged: the gradient of broadcasting. */
export function sumToShape(g: Emitter, x: Value, shape: readonly number[]): Value {
  const added = x.shape.length - shape.length;
  const axes = x.shape.flatMap((n, axis) => (n !== (shape[axis - added] ?? 1) ? [axis] : []));
  return reshape(g, reduceSum(g, x, axes), shape);
}

const sameNumbers = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((n, i) => n === b[i]);
