import { crc32 } from 'node:zlib';
import { PickleCall, PickleGlobal, PicklePersistent, type PickleValue } from './pickle.js';
import type { WeightTensor } from './safetensors.js';
import { pickleBytes } from './write-pickle.js';

/** All entries lie in a folder; PyTorch takes whichever it is. */
const folder = 'checkpoint';
/** Places in a zip file of this kind are numbers of four bytes. */
const mostBytes = 2 ** 32 - 1;

/**
 * A dictionary with weights as PyTorch saves one (`torch.save` since version 1.6): a zip file, not
 * compressed, with a pickle and the bytes of each tensor; once where two names have the same array. The
 * same content gives the same bytes.
 * @param weights in fields of the dictionary, before the others
 * @throws RangeError for 4 GiB and more.
 */
export function torchCheckpointBytes(
  weights: Readonly<Record<string, ReadonlyMap<string, WeightTensor>>>,
  others: ReadonlyMap<string, PickleValue>,
): Uint8Array {
  const storages = new Map<Float32Array, string>();
  const tensorOf = ({ shape, data }: WeightTensor): PickleValue => {
    const key = storages.get(data) ?? `${storages.size}`;
    storages.set(data, key);
    return describedTensor(shape, data.length, key);
  };
  const fields = Object.entries(weights).map(([name, tensors]): [string, PickleValue] => [
    name,
    new Map([...tensors].map(([key, tensor]) => [key, tensorOf(tensor)])),
  ]);
  const pickle = pickleBytes(new Map<PickleValue, PickleValue>([...fields, ...others]));
  return storedZip([
    [`${folder}/data.pkl`, pickle],
    [`${folder}/byteorder`, Buffer.from('little')],
    ...[...storages].map(([data, key]) => {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return [`${folder}/data/${key}`, bytes] as const;
    }),
    [`${folder}/version`, Buffer.from('3\n')],
  ]);
}

const orderedDictionary = new PickleGlobal('collections.OrderedDict');

/** What PyTorch calls to make a tensor of a storage: `_rebuild_tensor_v2`. */
function describedTensor(shape: readonly number[], count: number, key: string): PickleCall {
  const type = new PickleGlobal('torch.FloatStorage');
  const storage = new PicklePersistent(['storage', type, key, 'cpu', count]);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((all, n) => all * n, 1));
  const hooks = new PickleCall(orderedDictionary, []);
  return new PickleCall(new PickleGlobal('torch._utils._rebuild_tensor_v2'), [
    storage,
    0,
    [...shape],
    strides,
    false,
    hooks,
  ]);
}

/** A zip file whose entries are stored as they are, without dates. */
function storedZip(entries: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [name, bytes] of entries) {
    const nameBytes = Buffer.from(name);
    const fields = entryFields(nameBytes.length, bytes);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(requirePlace(offset), 10);
    central.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, place, nameBytes]),
    );
    local.push(Buffer.from('PK\x03\x04'), fields, nameBytes, bytes);
    offset += 4 + fields.length + nameBytes.length + bytes.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(requirePlace(offset), 16);
  return Buffer.concat([...local, directory, end]);
}

/** Version, flags, method 0 (stored), the first day that can be told, checksum, sizes, length of name. */
function entryFields(nameLength: number, bytes: Uint8Array): Uint8Array {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(0x21, 8);
  fields.writeUInt32LE(crc32(bytes), 10);
  fields.writeUInt32LE(requirePlace(bytes.length), 14);
  fields.writeUInt32LE(bytes.length, 18);
  fields.writeUInt16LE(nameLength, 22);
  return fields;
}

function requirePlace(at: number): number {
  if (at <= mostBytes) return at;
  throw new RangeError(`a checkpoint of more than ${mostBytes} bytes`);
}
