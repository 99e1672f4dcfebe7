import { operators } from './operators.js';
import {
  type Attributes,
  type ElementType,
  type Emitter,
  elementsOf,
  type OperatorName,
  requireShape,
  type Value,
} from './value.js';

/**
 * Builds a graph. The same operator on the same values is the same value, so that no common
 * subexpression is computed twice; what the outputs do not need is left out by {@link neededFor}.
 */
export class Graph implements Emitter {
  readonly #values: Value[] = [];
  readonly #known = new Map<string, Value>();

  /** @throws RangeError for a name that is taken by another type, or a shape that is none. */
  input(name: string, shape: readonly number[], element: ElementType = 'float32'): Value {
    requireShape(
      shape.every((n) => Number.isInteger(n) && n >= 1),
      `sizes of at least 1 for ${name}, not [${shape}]`,
    );
    const value = this.#once(`input ${name}`, {
      element,
      shape,
      source: { kind: 'input', name },
    });
    requireShape(
      String(value.shape) === String(shape) && value.element === element,
      `one input of the name ${name}`,
    );
    return value;
  }

  constant(data: Float32Array, shape: readonly number[]): Value {
    requireShape(data.length === elementsOf(shape), `${elementsOf(shape)} numbers for [${shape}]`);
    const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
    return this.#once(`constant [${shape}] ${bits}`, {
      element: 'float32',
      shape,
      source: { kind: 'constant', data },
    });
  }

  /** @throws RangeError naming the operator that has no row, or that does not take these inputs. */
  op(operator: OperatorName, inputs: readonly Value[], attributes: Attributes = {}): Value {
    if (!Object.hasOwn(operators, operator)) {
      throw new RangeError(`the operator ${operator} has no row in the table`);
    }
    for (const value of inputs) {
      if (this.#values[value.id] !== value) {
        throw new RangeError(`${operator}: a value of another graph`);
      }
    }
    const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = `${operator} ${inputs.map(({ id }) => id)} ${JSON.stringify(sorted)}`;
    return this.#once(key, () => {
      const type = typeOf(operator, inputs, attributes);
      return { ...type, source: { kind: 'operator', operator, inputs, attributes } };
    });
  }

  #once(key: string, make: Omit<Value, 'id'> | (() => Omit<Value, 'id'>)): Value {
    const known = this.#known.get(key);
    if (known) return known;
    const value = { id: this.#values.length, ...(typeof make === 'function' ? make() : make) };
    this.#values.push(value);
    this.#known.set(key, value);
    return value;
  }
}

function typeOf(operator: OperatorName, inputs: readonly Value[], attributes: Attributes) {
  try {
    return operators[operator].shape(inputs, attributes);
  } catch (error) {
    throw new RangeError(`${operator}: ${(error as Error).message}`);
  }
}

/** All values that the outputs need, in an order in which they can be computed. */
export function neededFor(outputs: readonly Value[]): Value[] {
  const needed = new Map<number, Value>();
  const open = [...outputs];
  for (let value = open.pop(); value; value = open.pop()) {
    if (needed.has(value.id)) continue;
    needed.set(value.id, value);
    if (value.source.kind === 'operator') open.push(...value.source.inputs);
  }
  return [...needed.values()].sort((a, b) => a.id - b.id);
}

/** Names of the inputs that the outputs need. */
export const inputNames = (outputs: readonly Value[]): string[] =>
  neededFor(outputs).flatMap(({ source }) => (source.kind === 'input' ? [source.name] : []));
