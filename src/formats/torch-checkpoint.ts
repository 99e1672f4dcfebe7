import type { Entry, ZipFile } from 'yauzl';
import { DawsonError } from '../errors.js';
import { mostBytesAtOnce } from './open-file.js';
import {
  PickleCall,
  PickleGlobal,
  PicklePersistent,
  type PickleValue,
  parsePickle,
} from './pickle.js';
import type { WeightTensor } from './safetensors.js';
import { openZip, zipEntryBytes } from './zip-file.js';

/** The description of a network's weights, its plans and its log; far below. */
const longestPickleBytes = 64 * 2 ** 20;
const mostEntries = 100_000;
const highestRank = 8;
/** A whole number beside the weights of a batch norm, which only counts its steps. */
const stepCounter = '.num_batches_tracked';

/**
 * The dictionary in a checkpoint that PyTorch 1.6 or later wrote (`torch.save`): a zip file, not
 * compressed, with a pickle and the bytes of each tensor's storage. Nothing of it is run, see
 * {@link parsePickle}; tensors are not read.
 * @throws DawsonError `file-not-found`; `bad-model` for anything else than such a file.
 */
export const readTorchFields = (file: string): Promise<ReadonlyMap<PickleValue, PickleValue>> =>
  readCheckpoint(file, (reader) => reader.fields());

/**
 * The weights in one field of a checkpoint by their names: float32, in C order. Two names of the same
 * numbers have the same array.
 * @throws DawsonError as {@link readTorchFields}.
 */
export const readTorchWeights = (
  file: string,
  field: string,
): Promise<ReadonlyMap<string, WeightTensor>> =>
  readCheckpoint(file, (reader) => reader.weights(field));

async function readCheckpoint<T>(
  file: string,
  read: (reader: CheckpointReader) => Promise<T>,
): Promise<T> {
  let zip: ZipFile | undefined;
  try {
    zip = await openZip(file);
    return await read(new CheckpointReader(zip, file));
  } catch (error) {
    if (error instanceof DawsonError) throw error;
    // What yauzl and the file system find.
    throw badCheckpoint(file, (error as Error).message);
  } finally {
    zip?.close();
  }
}

/** What the person in front of a checkpoint that is not read can do. */
const advices = {
  damaged: 'It is damaged, or was never a checkpoint: copy it again from where it was trained.',
  otherForm:
    'Load it in PyTorch on a usual computer and save it again (torch.load, torch.save) in single precision.',
  otherPlace: 'Take the checkpoint that nnU-Net itself wrote, of the same version as its plans.',
} as const;

const badCheckpoint = (file: string, found: string, advice: string = advices.damaged) =>
  new DawsonError('bad-model', {
    file,
    expected: 'a checkpoint of PyTorch 1.6 or later',
    found: found.slice(0, 200),
    advice,
  });

class CheckpointReader {
  readonly #zip: ZipFile;
  readonly #file: string;
  readonly #entries = new Map<string, Entry>();
  readonly #storages = new Map<string, Float32Array>();
  readonly #tensors = new Map<string, Float32Array>();
  #folder = '';
  #bytesRead = 0;

  constructor(zip: ZipFile, file: string) {
    this.#zip = zip;
    this.#file = file;
  }

  async fields(): Promise<Map<PickleValue, PickleValue>> {
    await this.#list();
    if (this.#entries.has(`${this.#folder}byteorder`)) {
      const order = Buffer.from(await this.#bytes('byteorder', 16)).toString('latin1');
      if (order !== 'little') {
        this.#fail(`numbers in the order ${JSON.stringify(order)}`, advices.otherForm);
      }
    }
    const fields = parsePickle(await this.#bytes('data.pkl', longestPickleBytes), this.#file);
    if (fields instanceof Map) return fields;
    return this.#fail('something else than a dictionary', advices.otherPlace);
  }

  async weights(field: string): Promise<Map<string, WeightTensor>> {
    const described = (await this.fields()).get(field);
    if (!(described instanceof Map)) {
      return this.#fail(`no dictionary ${field}`, advices.otherPlace);
    }
    const weights = new Map<string, WeightTensor>();
    for (const [name, value] of described) {
      if (typeof name !== 'string') return this.#fail('a weight without a name');
      if (name.endsWith(stepCounter)) continue;
      weights.set(name, await this.#tensor(name.slice(0, 200), value));
    }
    return weights;
  }

  #fail(found: string, advice?: string): never {
    throw badCheckpoint(this.#file, found, advice);
  }

  /** All entries lie in one folder, which is named after the file. */
  async #list(): Promise<void> {
    for await (const entry of this.#zip.eachEntry()) {
      if (this.#entries.has(entry.fileName)) this.#fail(`twice ${entry.fileName}`);
      if (this.#entries.size === mostEntries) this.#fail(`more than ${mostEntries} files`);
      this.#entries.set(entry.fileName, entry);
    }
    const pickles = [...this.#entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickles.length !== 1) this.#fail('no data.pkl');
    this.#folder = pickles[0].slice(0, -'data.pkl'.length);
  }

  /** The bytes of an entry, which is stored as it is: a small file cannot become a large one. */
  async #bytes(name: string, mostBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const entry = this.#entries.get(this.#folder + name) ?? this.#fail(`no ${name}`);
    const { compressionMethod, compressedSize, uncompressedSize } = entry;
    if (compressionMethod !== 0 || compressedSize !== uncompressedSize) {
      this.#fail(`${name}, compressed`, advices.otherForm);
    }
    if (uncompressedSize > mostBytes) this.#fail(`${uncompressedSize} bytes in ${name}`);
    // Entries may overlap in the file.
    this.#bytesRead += uncompressedSize;
    if (this.#bytesRead > this.#zip.fileSize) this.#fail('more data than the file has');
    return zipEntryBytes(this.#zip, entry);
  }

  /** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …)`, not called but understood. */
  async #tensor(name: string, value: PickleValue): Promise<WeightTensor> {
    const isTensor =
      value instanceof PickleCall &&
      value.callable instanceof PickleGlobal &&
      value.callable.name === 'torch._utils._rebuild_tensor_v2' &&
      Array.isArray(value.args);
    if (!isTensor) return this.#fail(`${name}, which is no tensor`);
    const [storage, offset, shape, strides] = value.args as PickleValue[];
    if (
      !areCounts(shape) ||
      !areCounts(strides) ||
      !areCounts([offset]) ||
      shape.length > highestRank
    ) {
      return this.#fail(`${name} without a shape`);
    }
    if (!inOrder(shape, strides)) {
      this.#fail(`${name} in another order than C`, advices.otherForm);
    }
    const [key, data] = await this.#storage(name, storage);
    const start = offset as number;
    const count = shape.reduce((product, n) => product * n, 1);
    if (count > data.length - start) this.#fail(`${name} beyond its storage`);
    const place = `${key} ${start} ${count}`;
    const numbers = this.#tensors.get(place) ?? data.subarray(start, start + count);
    this.#tensors.set(place, numbers);
    return { shape, data: numbers };
  }

  /** `('storage', torch.FloatStorage, key, device, numel)`. */
  async #storage(name: string, storage: PickleValue): Promise<[string, Float32Array]> {
    const id = storage instanceof PicklePersistent ? storage.id : null;
    const [kind, type, key, , count] = Array.isArray(id) ? id : [];
    if (kind !== 'storage' || typeof key !== 'string' || !/^\d{1,9}$/.test(key)) {
      return this.#fail(`${name} without a storage`);
    }
    if (!(type instanceof PickleGlobal) || type.name !== 'torch.FloatStorage') {
      const typeName = type instanceof PickleGlobal ? type.name : 'unknown';
      return this.#fail(
        `${name} of numbers of the type ${typeName}, not float32`,
        advices.otherForm,
      );
    }
    let data = this.#storages.get(key);
    if (!data) {
      const bytes = await this.#bytes(`data/${key}`, mostBytesAtOnce);
      if (bytes.length % 4 !== 0) this.#fail(`${bytes.length} bytes in data/${key}`);
      data = new Float32Array(bytes.buffer);
      this.#storages.set(key, data);
    }
    if (data.length !== count) this.#fail(`${data.length} numbers in data/${key}`);
    return [key, data];
  }
}

const areCounts = (values: PickleValue): values is number[] =>
  Array.isArray(values) && values.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);

/** Whether strides are those of C; that of an axis of length 1 says nothing. */
function inOrder(shape: readonly number[], strides: readonly number[]): boolean {
  if (shape.length !== strides.length) return false;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}
