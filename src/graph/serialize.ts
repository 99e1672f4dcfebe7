import { neededFor } from './graph.js';
import { onnxMessages } from './onnx-messages.js';
import { operators } from './operators.js';
import {
  type Attribute,
  type ElementType,
  requireShape,
  type TensorType,
  type Value,
  vectorOf,
} from './value.js';

/** The newest operator set that the CPU and WebGPU providers of ONNX Runtime both cover well. */
const opset = 18;
/** The version of the file format that belongs to it. */
const irVersion = 9;

const elementCode: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int64: 7,
  bool: 9,
};
const attributeType = { float: 1, int: 2, ints: 7 };
const floatAttributes: readonly string[] = ['alpha', 'epsilon'];

/**
 * A graph as the bytes of an ONNX model, with what its outputs need and nothing else. The same graph
 * gives the same bytes.
 * @param outputs values by the names under which they are to be fetched
 * @param fixed inputs that are always the same, by name: they become part of the model, and what
 *   depends on nothing else is computed once, when ONNX Runtime loads it
 */
export function toOnnx(
  outputs: Readonly<Record<string, Value>>,
  fixed: Readonly<Record<string, Float32Array>> = {},
): Uint8Array {
  const order = neededFor(Object.values(outputs));
  const names = new Map<number, string>();
  for (const [name, { id, source }] of Object.entries(outputs)) {
    if (source.kind === 'operator' && !names.has(id)) names.set(id, name);
  }
  for (const { id, source } of order) {
    if (!names.has(id)) names.set(id, source.kind === 'input' ? source.name : `%${id}`);
  }
  const nameOf = (value: Value) => names.get(value.id)!;
  const vectors = new VectorConstants();
  const node: object[] = [];
  for (const value of order) {
    if (value.source.kind !== 'operator') continue;
    const { operator, inputs, attributes } = value.source;
    const row = operators[operator];
    const vectorNames = row.vectors ?? [];
    node.push({
      opType: row.onnxName ?? operator,
      input: [
        ...inputs.map(nameOf),
        ...vectorNames.map((name) => vectors.nameFor(vectorOf(attributes, name))),
      ],
      output: [nameOf(value)],
      attribute: Object.entries({ ...attributes, ...row.fixed })
        .filter(([name]) => !vectorNames.includes(name))
        .map(([name, attribute]) => attributeMessage(name, attribute)),
    });
  }
  for (const [name, value] of Object.entries(outputs)) {
    if (nameOf(value) !== name) {
      node.push({ opType: 'Identity', input: [nameOf(value)], output: [name] });
    }
  }
  const known = (value: Value): Float32Array | undefined => {
    if (value.source.kind === 'constant') return value.source.data;
    return value.source.kind === 'input' ? fixed[value.source.name] : undefined;
  };
  const inputs = order.filter((value) => value.source.kind === 'input' && !known(value));
  const constants = order.flatMap((value) => {
    const data = known(value);
    return data ? [tensorMessage(nameOf(value), value, bytesAs(data))] : [];
  });
  requireShape(node.length > 0, 'a graph that computes something');
  const type = onnxMessages.lookupType('ModelProto');
  return type
    .encode(
      type.fromObject({
        irVersion,
        producerName: 'dawson',
        opsetImport: [{ domain: '', version: opset }],
        graph: {
          name: 'graph',
          node,
          initializer: [...constants, ...vectors.messages],
          input: inputs.map((value) => valueMessage(nameOf(value), value)),
          output: Object.entries(outputs).map(([name, value]) => valueMessage(name, value)),
        },
      }),
    )
    .finish();
}

/** The lists of whole numbers that operators take as inputs, each written once. */
class VectorConstants {
  readonly messages: object[] = [];
  readonly #names = new Map<string, string>();

  nameFor(vector: readonly number[]): string {
    const key = vector.join(',');
    const known = this.#names.get(key);
    if (known) return known;
    const name = `vector${this.#names.size}`;
    this.#names.set(key, name);
    const data = BigInt64Array.from(vector, BigInt);
    const type: TensorType = { element: 'int64', shape: [vector.length] };
    this.messages.push(tensorMessage(name, type, bytesAs(data)));
    return name;
  }
}

function attributeMessage(name: string, attribute: Attribute): object {
  if (typeof attribute !== 'number') return { name, ints: attribute, type: attributeType.ints };
  return floatAttributes.includes(name)
    ? { name, f: attribute, type: attributeType.float }
    : { name, i: attribute, type: attributeType.int };
}

const tensorMessage = (name: string, { element, shape }: TensorType, rawData: Uint8Array) => ({
  name,
  dims: shape,
  dataType: elementCode[element],
  rawData,
});

const valueMessage = (name: string, { element, shape }: TensorType) => ({
  name,
  type: {
    tensorType: {
      elemType: elementCode[element],
      shape: { dim: shape.map((dimValue) => ({ dimValue })) },
    },
  },
});

/** Little-endian, as ONNX wants it and as every platform of Node has it. */
const bytesAs = (data: Float32Array | BigInt64Array) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
