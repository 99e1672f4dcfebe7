import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import { makeFolder, sha256OfImage, writeWhole } from '../formats/index.js';
import { parseJson } from '../formats/json.js';
import { isThere, readSyncInto, withFileSync } from '../formats/open-file.js';
import type { ImagePlan } from '../model/nnunet-plans.js';
import { prepareBrainCase } from '../segment/lesions/brain-case.js';
import { outsideLabel, type PreparedCase, preprocessCase } from '../segment/nnunet/preprocess.js';
import { type Axes3, copyOverlap, voxelsIn } from '../volume/arrays.js';
import { inWorker, type WorkerPool } from '../workers.js';
import { badDataset, type Dataset, type DatasetCase } from './dataset.js';
import { readCase } from './read-case.js';

/** A prepared case in a file of the cache. */
export interface CachedCase {
  readonly name: string;
  readonly file: string;
  /** By which a run knows it: a hash of its bytes and of all that its plan says of images. */
  readonly identity: string;
  readonly shape: Axes3;
  /** Whether each channel is there; one that is not is 0 everywhere. */
  readonly present: readonly boolean[];
  /** Number of listed voxels of each class from 1 on. */
  readonly foreground: readonly number[];
  /** Whether there are labels that the first network of a cascade found. */
  readonly hasPrevious?: true;
}

/** A part of a prepared case. */
export interface CasePatch {
  /** [channels, ...shape]; 0 outside of the case. */
  readonly image: Float32Array;
  /** {@link outsideLabel} outside of the case and of its non-zero region. */
  readonly labels: Int8Array;
  /** What the first network of a cascade found; {@link outsideLabel} outside of the case. */
  readonly previous?: Int8Array;
}

/** Changes whenever the same case would be prepared differently: older files are not used then. */
const formatVersion = 2;
const magic = Buffer.from('DWSNCASE');
/** magic, version, length of the JSON that follows, both 32 bits, little endian. */
const prefixBytes = 16;
const longestHeader = 2 ** 16;
/** The file ends with the SHA-256 of all before it. */
const checksumBytes = 32;
const chunkBytes = 2 ** 20;

/** Voxels of a class that are listed, in even steps: patches are centred on them. */
const mostListedVoxels = 10_000;

/**
 * Prepares every case of a dataset once: in `folder`, a file a case, named by a hash of the bytes of
 * its images and of what the plan does to images. What is there already is not made again; files
 * appear whole or not at all. In the order of the dataset.
 * @throws DawsonError `bad-dataset` with everything that is wrong with any case, `output-failed`.
 */
export async function cacheDataset(
  dataset: Dataset,
  plan: ImagePlan,
  folder: string,
  {
    pool,
    signal,
    onProgress,
  }: {
    pool: WorkerPool;
    signal?: AbortSignal;
    onProgress?: (done: number, all: number) => void;
  },
): Promise<CachedCase[]> {
  await makeFolder(folder);
  const { classNames, channelNames } = dataset;
  const names = { classNames, channelNames };
  let done = 0;
  const results = await Promise.all(
    dataset.cases.map(async (entry) => {
      const result = await cacheCaseInWorker({ pool, signal }, entry, plan, names, folder);
      onProgress?.(++done, dataset.cases.length);
      return result;
    }),
  );
  const problems = results.flatMap((result) => ('problems' in result ? result.problems : []));
  if (problems.length > 0) throw badDataset(dataset.folder, problems);
  return results.filter((result) => 'file' in result);
}

/** Prepares one case, unless its file is there; or says what keeps it from being used. */
export async function cacheCase(
  entry: DatasetCase,
  plan: ImagePlan,
  { classNames, channelNames }: Pick<Dataset, 'classNames' | 'channelNames'>,
  folder: string,
): Promise<CachedCase | { readonly problems: readonly string[] }> {
  const classCount = classNames.length;
  // What is wrong with the case is said together with what is missing of the stage before.
  if (entry.previous && !(await isThere(entry.previous))) {
    const reading = await readCase(entry, classCount);
    if ('problems' in reading) return reading;
  }
  const { key, identity, hashes } = await keysOf(entry, plan, classCount);
  const file = join(folder, `${key}.case`);
  const known = { name: entry.name, file, identity };
  const cached = await openCached(file);
  if (cached) return { ...known, ...cached };
  const reading = await readCase(entry, classCount);
  if ('problems' in reading) return reading;
  if (String(reading.sha256) !== String(hashes)) {
    return { problems: [`${entry.name}: its files changed while they were read`] };
  }
  const { channels, labels, previous } = reading.images;
  const prepared = attempted(entry, () =>
    plan.input === 'brain'
      ? prepareBrainCase(channels, channelNames, labels)
      : preprocessCase(channels, plan, labels, previous),
  );
  if ('problems' in prepared) return prepared;
  const listed = listForeground(prepared.labels, classCount);
  const header: Header = {
    shape: prepared.shape,
    present: channels.map((volume) => volume !== undefined),
    foreground: listed.map((voxels) => voxels.length),
    ...(previous && { hasPrevious: true }),
  };
  await writeWhole(file, bytesOf(header, prepared, listed));
  return { ...known, ...header };
}

export const cacheCaseInWorker = inWorker<typeof cacheCase>(import.meta.url, 'cacheCase');

/** Prepares an image, or says why it cannot be used. */
function attempted<T>(entry: DatasetCase, prepare: () => T): T | { problems: readonly string[] } {
  try {
    return prepare();
  } catch (error) {
    if (!(error instanceof DawsonError && error.code === 'bad-intensities')) throw error;
    return { problems: [`${entry.name}: ${error.message}`] };
  }
}

async function keysOf(entry: DatasetCase, plan: ImagePlan, classCount: number) {
  // The patch and the batch do not change the prepared image.
  const { patchShape: _patch, batchSize: _batch, input, ...ofNnunet } = plan;
  const said = input === 'nnunet' ? ofNnunet : { ...ofNnunet, input };
  const files = [...entry.images, entry.labels, ...(entry.previous ? [entry.previous] : [])];
  const hashes: (string | undefined)[] = [];
  for (const file of files) hashes.push(file && (await sha256OfImage(file)));
  const keyOf = (imagePart: unknown) => {
    const text = JSON.stringify({ formatVersion, imagePart, classCount, hashes });
    return createHash('sha256').update(text).digest('hex').slice(0, 32);
  };
  return {
    key: keyOf(whatIsDone(plan)),
    // As checkpoints have it; other cases beside this one are in it.
    identity: keyOf(said),
    hashes: hashes.filter((hash) => hash !== undefined),
  };
}

/** What of a plan changes a prepared image, whatever other cases there are. */
function whatIsDone({ patchShape: _patch, batchSize: _batch, channels, ...same }: ImagePlan) {
  // One way for all plans.
  if (same.input === 'brain') return { input: same.input };
  return {
    ...same,
    channels: channels.map(({ intensities, ...own }) =>
      own.scheme === 'CTNormalization' ? { ...own, intensities } : own,
    ),
  };
}

/** Indices of voxels of each class from 1 on. */
function listForeground(labels: Int8Array, classCount: number): Uint32Array[] {
  const counts = new Array<number>(classCount).fill(0);
  for (let at = 0; at < labels.length; at++) if (labels[at] > 0) counts[labels[at]]++;
  const lists = counts.map((n) => new Uint32Array(Math.min(n, mostListedVoxels)));
  const seen = new Array<number>(classCount).fill(0);
  const used = new Array<number>(classCount).fill(0);
  for (let at = 0; at < labels.length; at++) {
    const label = labels[at];
    if (label <= 0) continue;
    const list = lists[label];
    if (used[label] < list.length && seen[label] * list.length >= used[label] * counts[label]) {
      list[used[label]++] = at;
    }
    seen[label]++;
  }
  return lists.slice(1);
}

type Header = Pick<CachedCase, 'shape' | 'present' | 'foreground' | 'hasPrevious'>;

/** Places of the parts of a file, in bytes. */
function layoutOf({ shape, present, foreground, hasPrevious }: Header, headerBytes: number) {
  const voxels = voxelsIn(shape);
  const image = prefixBytes + headerBytes;
  const labels = image + 4 * present.length * voxels;
  // Numbers of 32 bits begin at multiples of 4.
  const labelBytes = Math.ceil(voxels / 4) * 4;
  const previous = labels + labelBytes;
  const lists = previous + (hasPrevious ? labelBytes : 0);
  return {
    image,
    labels,
    previous,
    lists,
    end: lists + 4 * foreground.reduce((sum, n) => sum + n, 0),
  };
}

function bytesOf(
  header: Header,
  prepared: Pick<PreparedCase, 'image' | 'labels' | 'previous'>,
  listed: readonly Uint32Array[],
): Buffer {
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const layout = layoutOf(header, text.length);
  const bytes = Buffer.alloc(layout.end + checksumBytes);
  magic.copy(bytes);
  bytes.writeUInt32LE(formatVersion, 8);
  bytes.writeUInt32LE(text.length, 12);
  text.copy(bytes, prefixBytes);
  bytes.set(byteView(prepared.image), layout.image);
  bytes.set(byteView(prepared.labels), layout.labels);
  if (prepared.previous) bytes.set(byteView(prepared.previous), layout.previous);
  let at = layout.lists;
  for (const voxels of listed) {
    bytes.set(byteView(voxels), at);
    at += voxels.byteLength;
  }
  createHash('sha256').update(bytes.subarray(0, at)).digest().copy(bytes, at);
  return bytes;
}

const byteView = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The case in a file of the cache; `undefined` where there is none, or not one as it was written. */
async function openCached(file: string): Promise<Header | undefined> {
  if (!(await isThere(file))) return undefined;
  return withFileSync(file, (descriptor, size) => {
    const found = readHeader(descriptor);
    const end = found && layoutOf(found.header, found.headerBytes).end;
    if (end === undefined || end + checksumBytes !== size) return undefined;
    return isUnchanged(descriptor, end) ? found!.header : undefined;
  });
}

function isUnchanged(descriptor: number, end: number): boolean {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafeSlow(chunkBytes);
  for (let at = 0; at < end; at += chunkBytes) {
    const part = chunk.subarray(0, Math.min(chunkBytes, end - at));
    if (readSyncInto(descriptor, part, at) < part.length) return false;
    hash.update(part);
  }
  const checksum = Buffer.alloc(checksumBytes);
  return (
    readSyncInto(descriptor, checksum, end) === checksumBytes && hash.digest().equals(checksum)
  );
}

function readHeader(descriptor: number): { header: Header; headerBytes: number } | undefined {
  const prefix = Buffer.alloc(prefixBytes);
  if (readSyncInto(descriptor, prefix, 0) < prefixBytes) return undefined;
  const headerBytes = prefix.readUInt32LE(12);
  const known = prefix.subarray(0, 8).equals(magic) && prefix.readUInt32LE(8) === formatVersion;
  if (!known || headerBytes > longestHeader) return undefined;
  const text = Buffer.alloc(headerBytes);
  if (readSyncInto(descriptor, text, prefixBytes) < headerBytes) return undefined;
  const header = parseHeader(text.toString());
  return header && { header, headerBytes };
}

/** A header whose fields have the right kinds; `undefined` for a damaged one. */
function parseHeader(text: string): Header | undefined {
  try {
    const { shape, present, foreground, hasPrevious } = parseJson(text) as {
      shape: Axes3;
      present: boolean[];
      foreground: number[];
      hasPrevious?: true;
    };
    const isCount = (n: unknown) => Number.isInteger(n) && (n as number) >= 0;
    const isWhole =
      shape.length === 3 &&
      shape.every((n: unknown) => isCount(n) && n !== 0) &&
      present.length > 0 &&
      present.every((isThere: unknown) => typeof isThere === 'boolean') &&
      foreground.every(isCount);
    const header = { shape, present, foreground, ...(hasPrevious === true && { hasPrevious }) };
    return isWhole ? header : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads a box of a cached case, which may reach beyond it. Only the slices that the box touches are
 * read from the disk.
 */
export function readPatch(cached: CachedCase, start: Axes3, shape: Axes3): CasePatch {
  const { shape: whole, present, hasPrevious } = cached;
  const voxels = voxelsIn(shape);
  const image = new Float32Array(present.length * voxels);
  const labels = new Int8Array(voxels).fill(outsideLabel);
  const previous = hasPrevious && labels.slice();
  const patch = { image, labels, ...(previous && { previous }) };
  const first = Math.max(0, start[0]);
  const slices = Math.min(whole[0], start[0] + shape[0]) - first;
  if (slices <= 0) return patch;
  const slabShape: Axes3 = [slices, whole[1], whole[2]];
  const sliceVoxels = whole[1] * whole[2];
  const inSlab: Axes3 = [start[0] - first, start[1], start[2]];
  withCase(cached, (descriptor, layout) => {
    for (const [channel, isThere] of present.entries()) {
      if (!isThere) continue;
      const slab = new Float32Array(slices * sliceVoxels);
      const from = layout.image + 4 * (channel * voxelsIn(whole) + first * sliceVoxels);
      readFully(cached.file, descriptor, slab, from);
      copyOverlap(
        slab,
        slabShape,
        image.subarray(channel * voxels, (channel + 1) * voxels),
        shape,
        inSlab,
      );
    }
    const slab = new Int8Array(slices * sliceVoxels);
    readFully(cached.file, descriptor, slab, layout.labels + first * sliceVoxels);
    copyOverlap(slab, slabShape, labels, shape, inSlab);
    if (!previous) return;
    readFully(cached.file, descriptor, slab, layout.previous + first * sliceVoxels);
    copyOverlap(slab, slabShape, previous, shape, inSlab);
  });
  return patch;
}

/** One of the listed voxels of a class, as its place in the case. */
export function foregroundVoxel(cached: CachedCase, label: number, index: number): Axes3 {
  const voxel = new Uint32Array(1);
  const before = cached.foreground.slice(0, label - 1).reduce((sum, n) => sum + n, 0);
  withCase(cached, (descriptor, layout) =>
    readFully(cached.file, descriptor, voxel, layout.lists + 4 * (before + index)),
  );
  const [, nh, nw] = cached.shape;
  const [at] = voxel;
  return [Math.floor(at / (nh * nw)), Math.floor(at / nw) % nh, at % nw];
}

function withCase(
  { file }: CachedCase,
  use: (descriptor: number, layout: ReturnType<typeof layoutOf>) => void,
): void {
  withFileSync(file, (descriptor) => {
    const found = readHeader(descriptor);
    if (!found) throw changedCase(file);
    use(descriptor, layoutOf(found.header, found.headerBytes));
  });
}

const changedCase = (file: string) =>
  new DawsonError('training-failed', {
    file,
    expected: 'the prepared case that the training began with',
    found: 'another file in its place',
    advice: 'Leave the folder of a training alone while it runs; then go on with --resume.',
  });

function readFully(
  file: string,
  descriptor: number,
  target: ArrayBufferView,
  position: number,
): void {
  const bytes = byteView(target);
  if (readSyncInto(descriptor, bytes, position) < bytes.length) throw changedCase(file);
}
