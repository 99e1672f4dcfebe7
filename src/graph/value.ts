/** Element types of tensors, by their names in ONNX Runtime. */
export type ElementType = 'float32' | 'int64' | 'uint8' | 'bool';

export const bytesPerElement: Readonly<Record<ElementType, number>> = {
  float32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
};

export interface TensorType {
  readonly element: ElementType;
  /** Slowest axis first; [] is a scalar. Every size is known when the graph is built. */
  readonly shape: readonly number[];
}

/** The operators that graphs are made of: ONNX's (opset 18), and what the table says is one of them. */
export const operatorNames = [
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Min',
  'Neg',
  'Exp',
  'Erf',
  'Log',
  'Sqrt',
  'Reciprocal',
  'LeakyRelu',
  'Clip',
  'Greater',
  'Equal',
  'Where',
  'Cast',
  'StopGradient',
  'ReduceSum',
  'ReduceMean',
  'ReduceMax',
  'ReduceSumSquare',
  'Reshape',
  'Transpose',
  'Expand',
  'Slice',
  'Pad',
  'Concat',
  'Gather',
  'Gemm',
  'Conv',
  'AveragePool',
  'InstanceNormalization',
] as const;
export type OperatorName = (typeof operatorNames)[number];

export type Attribute = number | readonly number[];
export type Attributes = Readonly<Record<string, Attribute>>;

/** A tensor in a graph: an input, a constant, or the one output of an operator. */
export interface Value extends TensorType {
  /** Place in the order in which the graph was built; an operator's inputs come before it. */
  readonly id: number;
  readonly source:
    | { readonly kind: 'input'; readonly name: string }
    | { readonly kind: 'constant'; readonly data: Float32Array }
    | {
        readonly kind: 'operator';
        readonly operator: OperatorName;
        readonly inputs: readonly Value[];
        readonly attributes: Attributes;
      };
}

/** What adds to a graph; the part of it that rules for gradients need. */
export interface Emitter {
  op(operator: OperatorName, inputs: readonly Value[], attributes?: Attributes): Value;
  constant(data: Float32Array, shape: readonly number[]): Value;
}

export interface OperatorCost {
  /** Floating-point operations, a multiply-add as 2. */
  readonly flops: number;
  /** Bytes read and written. */
  readonly bytes: number;
}

/** All that is known about an operator. */
export interface OperatorRow {
  /** Type of the output. @throws RangeError for inputs that the operator does not take. */
  shape(inputs: readonly TensorType[], attributes: Attributes): TensorType;
  /**
   * Gradients of a loss with respect to the inputs, given that with respect to the output; undefined
   * for an input on which the loss does not depend smoothly. 'none' where an operator has no
   * gradient: to differentiate through it is an error.
   */
  readonly gradient:
    | 'none'
    | ((
        emitter: Emitter,
        call: {
          readonly inputs: readonly Value[];
          readonly attributes: Attributes;
          readonly output: Value;
          readonly outputGradient: Value;
          /** Which inputs' gradients are asked for. */
          readonly wanted: readonly boolean[];
        },
      ) => readonly (Value | undefined)[]);
  cost(inputs: readonly TensorType[], output: TensorType, attributes: Attributes): OperatorCost;
  /** Attributes that ONNX takes as inputs (int64 vectors), in their order after the tensors. */
  readonly vectors?: readonly string[];
  /** Attributes of ONNX that are always the same. */
  readonly fixed?: Attributes;
  /** ONNX's name, where it differs. */
  readonly onnxName?: string;
}

export const elementsOf = (shape: readonly number[]): number =>
  shape.reduce((product, n) => product * n, 1);

export const bytesOf = ({ element, shape }: TensorType): number =>
  elementsOf(shape) * bytesPerElement[element];

/** An attribute that is a list of whole numbers. */
export function vectorOf(attributes: Attributes, name: string): readonly number[] {
  const value = attributes[name];
  if (!Array.isArray(value)) throw new RangeError(`attribute ${name}: not a list`);
  return value;
}

export function scalarOf(attributes: Attributes, name: string): number {
  const value = attributes[name];
  if (typeof value !== 'number') throw new RangeError(`attribute ${name}: not a number`);
  return value;
}

export function requireShape(fits: boolean, expected: string): void {
  if (!fits) throw new RangeError(`expected ${expected}`);
}

/** Shape of an elementwise result under NumPy's broadcasting. */
export function broadcastShape(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const size = Math.max(...sizes);
    requireShape(
      sizes.every((n) => n === size || n === 1),
      `shapes that broadcast, not ${shapes.map((shape) => `[${shape}]`).join(' and ')}`,
    );
    return size;
  });
}
