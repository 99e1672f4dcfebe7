import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DawsonError } from '../../../errors.js';
import { readLabels, sha256OfFile } from '../../../formats/index.js';
import { readSafetensors, writeSafetensors } from '../../../formats/safetensors.js';
import type { AnatomyNetwork } from '../../../preprocess/anatomy-network.js';
import { looksBrainExtracted } from '../../../preprocess/brain-extracted.js';
import { type ExamFiles, readExam, sequenceNames, sequencesOf } from '../../../preprocess/exam.js';
import { prepare } from '../../../preprocess/prepare.js';
import type { PreparedExam } from '../../../preprocess/prepared-exam.js';
import type { Run } from '../../../run.js';
import type { Mat4 } from '../../../volume/affine.js';
import { reorient } from '../../../volume/reorient.js';
import {
  type Mask,
  maskWhere,
  onGrid,
  type Size,
  sameGrid,
  toFloat32,
  type Volume,
} from '../../../volume/volume.js';

/** A real exam, prepared as `dawson segment` prepares it, with the lesions that experts marked. */
export interface PreparedCase {
  /** Name of its folder. */
  readonly name: string;
  /** Name of the folder that holds the cases of one source, such as a scanner. */
  readonly site: string;
  readonly exam: PreparedExam;
  /** On the exam's grid. */
  readonly experts: Mask;
  /** Where nobody knows whether it is lesion: nothing is learned there. */
  readonly unknown?: Mask;
}

/** Changes whenever the same case would be prepared differently. */
const formatVersion = 2;

const maskNames = ['lesions', 'unknown'];

/** Experts drew on copies of the FLAIR, whose headers other programs have written again. */
const toleranceVoxels = 0.1;

const imageIn = (folder: string, name: string) => join(folder, `${name}.nii.gz`);

/** Folders in `site` that hold a FLAIR and experts' lesions, in the order of their names. */
export async function listCases(site: string): Promise<string[]> {
  const entries = await readdir(site, { withFileTypes: true });
  return entries
    .map(({ name }) => join(site, name))
    .filter((folder) => ['flair', 'lesions'].every((name) => existsSync(imageIn(folder, name))))
    .sort();
}

/**
 * The exam of a folder that holds `flair`, `lesions` and perhaps `t2`, `t1` and `unknown` (.nii.gz), with a brain mask and
 * registration of Dawson's own, as in use; where the brain was extracted already the sequences count as aligned.
 * Kept in a file of the cache, which is used again while the images and the anatomy network are the same.
 * @throws DawsonError `inputs-conflict` for masks on another grid than the FLAIR's; what reading and
 *   preparing throw.
 */
export async function preparedCase(
  folder: string,
  cacheFolder: string,
  anatomy: AnatomyNetwork | undefined,
  run: Run,
): Promise<PreparedCase> {
  const files = Object.fromEntries(
    sequenceNames
      .map((name) => [name, imageIn(folder, name)])
      .filter(([, file]) => existsSync(file)),
  ) as unknown as ExamFiles;
  const masks = maskNames
    .map((name) => [name, imageIn(folder, name)] as const)
    .filter(([, file]) => existsSync(file));
  const key = await keyOf([...Object.values(files), ...masks.map(([, file]) => file)], anatomy);
  const cached = join(cacheFolder, `${key}.safetensors`);
  if (!existsSync(cached)) {
    await mkdir(cacheFolder, { recursive: true });
    await writeVolumes(cached, await prepareVolumes(files, masks, anatomy, run));
  }
  const { brain, lesions, unknown, ...sequences } = await readVolumes(cached);
  const mask = (volume: Volume) => maskWhere(volume, (value) => value !== 0);
  return {
    name: basename(folder),
    site: basename(dirname(folder)),
    exam: { ...sequences, brain: mask(brain) } as unknown as PreparedExam,
    experts: mask(lesions),
    ...(unknown && { unknown: mask(unknown) }),
  };
}

/** All cases of some sites, each in a folder of {@link listCases}, but for those named. */
export async function preparedCases(
  sites: readonly string[],
  without: readonly string[],
  cacheFolder: string,
  anatomy: AnatomyNetwork | undefined,
  run: Run,
): Promise<PreparedCase[]> {
  const folders = (await Promise.all(sites.map(listCases))).flat();
  const cases: PreparedCase[] = [];
  for (const folder of folders) {
    if (without.includes(basename(folder))) continue;
    cases.push(await preparedCase(folder, cacheFolder, anatomy, run));
  }
  return cases;
}

async function keyOf(files: readonly string[], anatomy: AnatomyNetwork | undefined) {
  const hashes = await Promise.all(files.map(sha256OfFile));
  return createHash('sha256')
    .update(JSON.stringify([formatVersion, anatomy?.model.sha256, hashes]))
    .digest('hex')
    .slice(0, 32);
}

async function prepareVolumes(
  files: ExamFiles,
  masks: readonly (readonly [name: string, file: string])[],
  anatomy: AnatomyNetwork | undefined,
  run: Run,
): Promise<Record<string, Volume>> {
  const { exam } = await readExam(files);
  const { exam: prepared } = await prepare(
    exam,
    {
      alignment: 'affine-to-flair',
      brainExtracted: false,
      registered: looksBrainExtracted(exam.flair.volume),
    },
    run,
    anatomy,
  );
  const volumes: Record<string, Volume> = { brain: prepared.brain };
  for (const name of sequencesOf(prepared)) volumes[name] = prepared[name]!;
  for (const [name, file] of masks) {
    const mask = reorient((await readLabels(file)).volume);
    if (!sameGrid(mask, prepared.flair, toleranceVoxels)) {
      throw new DawsonError('inputs-conflict', {
        file,
        expected: `${name} on the grid of ${files.flair}`,
        found: 'another grid',
      });
    }
    volumes[name] = onGrid(prepared.flair, mask.data);
  }
  return volumes;
}

/** Volumes of one grid. */
async function writeVolumes(file: string, volumes: Record<string, Volume>): Promise<void> {
  const tensors = new Map(
    Object.entries(volumes).map(([name, volume]) => [
      name,
      { shape: volume.size.toReversed(), data: toFloat32(volume).data },
    ]),
  );
  const { affine } = volumes.flair;
  await writeSafetensors(file, { tensors, metadata: { affine: JSON.stringify(affine) } });
}

async function readVolumes(file: string): Promise<Record<string, Volume<Float32Array>>> {
  const { tensors, metadata } = await readSafetensors(file);
  const affine = JSON.parse(metadata.affine) as Mat4;
  return Object.fromEntries(
    [...tensors].map(([name, { shape, data }]) => [
      name,
      { data, size: shape.toReversed() as unknown as Size, affine },
    ]),
  );
}
