import { DawsonError } from '../errors.js';

/**
 * What a pickle describes, as plain data. Nothing is ever imported or called: a class or function is
 * its name, and what it would have been called with stands beside it.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleGlobal
  | PickleCall
  | PicklePersistent;

/** The name of a class or function, such as 'collections.OrderedDict'. */
export class PickleGlobal {
  constructor(readonly name: string) {}
}

/** What a function would have made of its arguments. */
export class PickleCall {
  /** What the object would have been given to set itself up. */
  state: PickleValue = null;

  constructor(
    readonly callable: PickleValue,
    readonly args: PickleValue,
  ) {}
}

/** Something that lies beside the pickle, by its name there. */
export class PicklePersistent {
  constructor(readonly id: PickleValue) {}
}

/** Where a group of values on the stack begins. */
class Mark {}

/**
 * Reads a pickle of protocol 2 to 4 as data (Python's pickletools lists the operations), without
 * running anything: operations that build numbers, texts, bytes, lists, tuples and sets (as lists) and
 * dictionaries (as maps; ordered ones too) are understood, and names of classes are kept as names.
 * Takes memory in proportion to the bytes, and at most for some million values.
 * @param file name for messages
 * @throws DawsonError `bad-model` for anything else.
 */
export function parsePickle(bytes: Uint8Array, file: string): PickleValue {
  const machine = new PickleMachine(bytes, file);
  for (let done = 0; ; done++) {
    const operation = machine.byte();
    if (operation === stop) return machine.pop();
    if (done === mostOperations) machine.fail(`more than ${mostOperations} operations`);
    const run = operations.get(operation);
    if (!run) machine.fail(`the operation 0x${operation.toString(16)}`);
    run!(machine);
  }
}

/** A checkpoint of a thousand epochs with its log has a tenth; an empty list is made by one byte. */
const mostOperations = 2 ** 22;

class PickleMachine {
  readonly memo = new Map<number, PickleValue>();
  readonly stack: (PickleValue | Mark)[] = [];
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string;
  #at = 0;

  constructor(bytes: Uint8Array, file: string) {
    // Not a Buffer, whose slices are views.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
  }

  fail(found: string): never {
    throw new DawsonError('bad-model', {
      file: this.#file,
      expected: 'a pickle of plain values (protocol 2 to 4)',
      found: `${found} at byte ${this.#at}`,
      advice:
        'It is damaged, or no file of nnU-Net: copy it again from where the network was trained.',
    });
  }

  /** The place of so many bytes, which are passed. */
  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) this.fail('the end');
    this.#at += count;
    return at;
  }

  byte = (): number => this.#bytes[this.#take(1)];
  uint16 = (): number => this.#view.getUint16(this.#take(2), true);
  int32 = (): number => this.#view.getInt32(this.#take(4), true);
  uint32 = (): number => this.#view.getUint32(this.#take(4), true);
  float64 = (): number => this.#view.getFloat64(this.#take(8), false);

  text(length: number): string {
    const at = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length));
  }

  /** A copy: what is kept of a file must not keep all of it. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** Text up to the end of the line. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) this.fail('the end');
    const text = this.text(end - this.#at);
    this.#at++;
    return text;
  }

  /** A whole number of so many bytes, least first, the last with the sign; rounded beyond 2^53. */
  integer(length: number): number {
    const at = this.#take(length);
    if (length === 0) return 0;
    let value = this.#view.getInt8(at + length - 1);
    for (let byte = length - 2; byte >= 0; byte--) value = 256 * value + this.#bytes[at + byte];
    return value;
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    return value === undefined || value instanceof Mark ? this.fail('a missing value') : value;
  }

  last(): PickleValue {
    const value = this.stack.at(-1);
    return value === undefined || value instanceof Mark ? this.fail('a missing value') : value;
  }

  /** The values since the last mark, which goes too. */
  popGroup(): PickleValue[] {
    let at = this.stack.length - 1;
    while (at >= 0 && !(this.stack[at] instanceof Mark)) at--;
    if (at < 0) this.fail('a missing mark');
    return this.stack.splice(at).slice(1) as PickleValue[];
  }

  popSome(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  recall(key: number): PickleValue {
    const value = this.memo.get(key);
    return value === undefined ? this.fail('a reference to nothing') : value;
  }
}

const stop = '.'.charCodeAt(0);

/** What each operation does, by its code in the file. */
const operations = new Map<number, (m: PickleMachine) => void>();
const push = (code: number | string, value: (m: PickleMachine) => PickleValue) =>
  operations.set(codeOf(code), (m) => m.stack.push(value(m)));
const act = (code: number | string, action: (m: PickleMachine) => void) =>
  operations.set(codeOf(code), action);
const codeOf = (code: number | string) => (typeof code === 'string' ? code.charCodeAt(0) : code);

act(0x80, (m) => {
  if (m.byte() > 4) m.fail('a protocol above 4');
});
push('N', () => null);
push(0x88, () => true);
push(0x89, () => false);
push('K', (m) => m.byte());
push('M', (m) => m.uint16());
push('J', (m) => m.int32());
push(0x8a, (m) => m.integer(m.byte()));
push('G', (m) => m.float64());
push('X', (m) => m.text(m.uint32()));
push(0x8c, (m) => m.text(m.byte()));
push('B', (m) => m.bytes(m.uint32()));
push('C', (m) => m.bytes(m.byte()));

push(']', () => []);
push(')', () => []);
push(0x8f, () => []);
push('}', () => new Map());
act('(', (m) => m.stack.push(new Mark()));
push('t', (m) => m.popGroup());
push(0x85, (m) => m.popSome(1));
push(0x86, (m) => m.popSome(2));
push(0x87, (m) => m.popSome(3));
act('a', (m) => append(m, [m.pop()]));
act('e', (m) => append(m, m.popGroup()));
act(0x90, (m) => append(m, m.popGroup()));
act('s', (m) => setItems(m, m.popSome(2)));
act('u', (m) => setItems(m, m.popGroup()));

act('q', (m) => m.memo.set(m.byte(), m.last()));
act('r', (m) => m.memo.set(m.uint32(), m.last()));
act(0x94, (m) => m.memo.set(m.memo.size, m.last()));
push('h', (m) => m.recall(m.byte()));
push('j', (m) => m.recall(m.uint32()));

push('c', (m) => new PickleGlobal(`${m.line()}.${m.line()}`));
push(0x93, (m) => {
  const names = m.popSome(2);
  if (!names.every((name) => typeof name === 'string')) m.fail('a class without a name');
  return new PickleGlobal(names.join('.'));
});
push('Q', (m) => new PicklePersistent(m.pop()));
push('R', called);
// An object is made by calling its class, as far as we are concerned.
push(0x81, called);
act('b', (m) => {
  const state = m.pop();
  const object = m.last();
  if (object instanceof PickleCall) object.state = state;
});
// Frames only say how much may be read at once.
act(0x95, (m) => m.skip(8));

function called(m: PickleMachine): PickleValue {
  const args = m.pop();
  const callable = m.pop();
  const isOrderedDict =
    callable instanceof PickleGlobal && callable.name === 'collections.OrderedDict';
  return isOrderedDict && Array.isArray(args) && args.length === 0
    ? new Map()
    : new PickleCall(callable, args);
}

function append(m: PickleMachine, values: readonly PickleValue[]): void {
  const list = m.last();
  if (!Array.isArray(list)) m.fail('values for something that is no list');
  for (const value of values) (list as PickleValue[]).push(value);
}

function setItems(m: PickleMachine, values: readonly PickleValue[]): void {
  const map = m.last();
  if (!(map instanceof Map) || values.length % 2 !== 0) {
    m.fail('items for something that is no dictionary');
  }
  for (let at = 0; at < values.length; at += 2) {
    (map as Map<PickleValue, PickleValue>).set(values[at], values[at + 1]);
  }
}
