import { PickleCall, PickleGlobal, PicklePersistent, type PickleValue } from './pickle.js';

/** The largest whole number that an operation of protocol 2 holds in four bytes. */
const largestInteger = 2 ** 31 - 1;

/**
 * A pickle of protocol 2 (Python's pickletools lists the operations) that `parsePickle` reads back: no
 * value, true and false, numbers, texts, lists, dictionaries, calls of functions by their names, and
 * what lies beside the pickle. Lists become tuples, which is what PyTorch and nnU-Net ask for.
 * @throws RangeError for a whole number beyond 2^31, and for bytes.
 */
export function pickleBytes(value: PickleValue): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x80, 2)];
  write(value, (part) => parts.push(part));
  parts.push(operation('.'));
  return Buffer.concat(parts);
}

type Emit = (part: Uint8Array) => void;

const operation = (code: string): Uint8Array => Buffer.from(code, 'latin1');

function write(value: PickleValue, emit: Emit): void {
  if (value === null) emit(operation('N'));
  else if (typeof value === 'boolean') emit(Uint8Array.of(value ? 0x88 : 0x89));
  else if (typeof value === 'number') emit(numberBytes(value));
  else if (typeof value === 'string') emit(textBytes(value));
  else if (Array.isArray(value)) writeTuple(value, emit);
  else if (value instanceof Map) writeDictionary(value, emit);
  else if (value instanceof PickleGlobal) emit(globalBytes(value));
  else if (value instanceof PickleCall) {
    write(value.callable, emit);
    write(value.args, emit);
    emit(operation('R'));
  } else if (value instanceof PicklePersistent) {
    write(value.id, emit);
    emit(operation('Q'));
  } else throw new RangeError('bytes in a pickle');
}

function writeTuple(values: readonly PickleValue[], emit: Emit): void {
  emit(operation('('));
  for (const value of values) write(value, emit);
  emit(operation('t'));
}

function writeDictionary(entries: ReadonlyMap<PickleValue, PickleValue>, emit: Emit): void {
  emit(operation('}('));
  for (const [name, value] of entries) {
    write(name, emit);
    write(value, emit);
  }
  emit(operation('u'));
}

function numberBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(Number.isInteger(value) ? 5 : 9);
  if (Number.isInteger(value)) {
    if (Math.abs(value) > largestInteger) throw new RangeError(`${value}: beyond 2^31`);
    bytes.write('J', 'latin1');
    bytes.writeInt32LE(value, 1);
  } else {
    bytes.write('G', 'latin1');
    bytes.writeDoubleBE(value, 1);
  }
  return bytes;
}

function textBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(5);
  length.write('X', 'latin1');
  length.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([length, bytes]);
}

/** The last part of a name is that of the class or function, the others that of its module. */
function globalBytes({ name }: PickleGlobal): Uint8Array {
  const end = name.lastIndexOf('.');
  return Buffer.from(`c${name.slice(0, end)}\n${name.slice(end + 1)}\n`);
}
