import { PickleCall, PickleGlobal, type PickleValue } from './pickle.js';

/** Lists of a few settings; longer ones are data. */
const mostNumbers = 4096;

/** How the numbers of each of NumPy's types are read, little-endian. */
const readers: Readonly<
  Record<string, readonly [bytes: number, (view: DataView, at: number) => number]>
> = {
  b1: [1, (view, at) => view.getUint8(at)],
  u1: [1, (view, at) => view.getUint8(at)],
  i4: [4, (view, at) => view.getInt32(at, true)],
  i8: [8, (view, at) => Number(view.getBigInt64(at, true))],
  f4: [4, (view, at) => view.getFloat32(at, true)],
  f8: [8, (view, at) => view.getFloat64(at, true)],
};

/** A number of Python or NumPy in a pickle (truth is 0 or 1); undefined for anything else. */
export function numberOf(value: PickleValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  if (!isCallOf(value, 'scalar') || !Array.isArray(value.args)) return undefined;
  return decoded(value.args[0], value.args[1])?.[0];
}

/**
 * The numbers of a list, a tuple or an array of NumPy (row by row) in a pickle; undefined for anything
 * else, and for more than a few thousand.
 */
export function numbersOf(value: PickleValue | undefined): number[] | undefined {
  if (Array.isArray(value)) {
    if (value.length > mostNumbers) return undefined;
    const numbers = value.map(numberOf);
    return numbers.includes(undefined) ? undefined : (numbers as number[]);
  }
  if (!isCallOf(value, '_reconstruct') || !Array.isArray(value.state)) return undefined;
  const [, shape, type, columnsFirst, bytes] = value.state;
  const numbers = decoded(type, bytes);
  // A list only: a shape that is an array may be this very array.
  const count = Array.isArray(shape)
    ? numbersOf(shape)?.reduce((product, n) => product * n, 1)
    : undefined;
  const isPlain = columnsFirst === false || (Array.isArray(shape) && shape.length === 1);
  return isPlain && numbers?.length === count ? numbers : undefined;
}

/** NumPy moved its functions between modules. */
const isCallOf = (value: PickleValue | undefined, name: string): value is PickleCall =>
  value instanceof PickleCall &&
  value.callable instanceof PickleGlobal &&
  /^numpy\.(_?core)\.multiarray\./.test(value.callable.name) &&
  value.callable.name.endsWith(`.${name}`);

/** @param type `numpy.dtype('i8', …)` with the state `(3, '<', …)` */
function decoded(
  type: PickleValue | undefined,
  bytes: PickleValue | undefined,
): number[] | undefined {
  if (!(type instanceof PickleCall) || !Array.isArray(type.args)) return undefined;
  const name = type.args[0];
  const order = Array.isArray(type.state) ? type.state[1] : undefined;
  if (typeof name !== 'string' || !Object.hasOwn(readers, name) || order === '>') return undefined;
  const [size, read] = readers[name];
  if (!(bytes instanceof Uint8Array) || bytes.length % size !== 0) return undefined;
  if (bytes.length > size * mostNumbers) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / size }, (_, index) => read(view, index * size));
}
