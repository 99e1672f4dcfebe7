import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import {
  imageName,
  isImageName,
  makeFolder,
  readLabels,
  sha256OfFile,
  writeNifti,
  writeWhole,
} from '../formats/index.js';
import type { Mat4, Vec3 } from '../volume/affine.js';
import { maskWhere, type Volume } from '../volume/volume.js';
import { describeHead, type Head, tissuesFromLabels } from './head.js';
import { type LesionLibrary, lesionLibrary } from './lesion-library.js';
import { placeInLesionSpace } from './place-in-lesion-space.js';

/** Raised whenever preparation gives another result: older prepared heads are made anew. */
const preparation = 1;

/** What is kept of a prepared head beside its volumes. */
interface PreparedHead {
  readonly preparation: number;
  readonly sourceSha256: string;
  readonly brainCentreMm: Vec3;
  readonly toLesionSpace: Mat4;
}

/**
 * Label maps of a data folder's `heads`, in the order of their names.
 * @throws DawsonError `file-not-found` when there is none.
 */
export function listHeads(dataFolder: string): Promise<string[]> {
  return listImages(join(dataFolder, 'heads'), 'label maps of heads');
}

/** All heads of a data folder; see {@link prepareHead}. */
export async function prepareHeads(dataFolder: string, cacheFolder: string): Promise<Head[]> {
  const heads: Head[] = [];
  for (const file of await listHeads(dataFolder)) heads.push(await prepareHead(file, cacheFolder));
  return heads;
}

/**
 * Reads a head prepared earlier, or prepares it (about ten seconds) and keeps the result in the
 * cache folder. A prepared head is used only as long as its label map has the same bytes.
 */
export async function prepareHead(labelMapFile: string, cacheFolder: string): Promise<Head> {
  const name = imageName(labelMapFile);
  const sourceSha256 = await sha256OfFile(labelMapFile);
  const folder = join(cacheFolder, name);
  const kept = await readPrepared(join(folder, 'head.json'));
  if (kept?.preparation === preparation && kept.sourceSha256 === sourceSha256) {
    const tissues = await readVolumeOf<Uint8Array>(folder, 'tissues');
    return {
      name,
      tissues,
      brainDistance: await readVolumeOf<Int8Array>(folder, 'brain-distance'),
      ventricleDistance: await readVolumeOf<Uint8Array>(folder, 'ventricle-distance'),
      brainCentreMm: kept.brainCentreMm,
      toLesionSpace: kept.toLesionSpace,
    };
  }
  const { volume: labels } = await readLabels(labelMapFile);
  const described = describeHead(name, tissuesFromLabels(labels));
  const head: Head = { ...described, toLesionSpace: placeInLesionSpace(labels) };
  await keep(head, sourceSha256, folder);
  return head;
}

/**
 * The lesions of all masks in a data folder's `lesions`.
 * @throws DawsonError `file-not-found` when there is none.
 */
export async function readLesionLibrary(dataFolder: string): Promise<LesionLibrary> {
  const masks = [];
  for (const file of await listImages(join(dataFolder, 'lesions'), 'lesion masks')) {
    const { volume } = await readLabels(file);
    masks.push(maskWhere(volume, (value) => value !== 0));
  }
  return lesionLibrary(masks);
}

async function keep(head: Head, sourceSha256: string, folder: string): Promise<void> {
  await makeFolder(folder);
  await writeNifti(join(folder, 'tissues.nii.gz'), head.tissues);
  await writeNifti(join(folder, 'brain-distance.nii.gz'), head.brainDistance);
  await writeNifti(join(folder, 'ventricle-distance.nii.gz'), head.ventricleDistance);
  const { brainCentreMm, toLesionSpace } = head;
  const prepared: PreparedHead = { preparation, sourceSha256, brainCentreMm, toLesionSpace };
  // Last, so that a head counts as prepared only when its volumes are there.
  await writeWhole(join(folder, 'head.json'), Buffer.from(`${JSON.stringify(prepared)}\n`));
}

async function readPrepared(file: string): Promise<PreparedHead | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}

async function readVolumeOf<T extends Uint8Array | Int8Array>(folder: string, name: string) {
  return (await readLabels(join(folder, `${name}.nii.gz`))).volume as Volume<T>;
}

async function listImages(folder: string, what: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const images = names.filter((name) => isImageName(name) && !name.startsWith('.')).sort();
  if (images.length === 0) {
    throw new DawsonError('file-not-found', {
      file: folder,
      expected: `a folder of ${what}`,
      found: names.length === 0 ? 'no such folder, or nothing in it' : 'other files only',
    });
  }
  return images.map((name) => join(folder, name));
}
