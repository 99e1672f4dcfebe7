import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { DawsonError } from '../../errors.js';
import {
  type ImageFile,
  readLabels,
  readVolume,
  writeNifti,
  writeWhole,
} from '../../formats/index.js';
import { jsonText } from '../../formats/json.js';
import { openAnatomyNetwork } from '../../preprocess/anatomy-network.js';
import { findHead } from '../../preprocess/find-head.js';
import type { Run } from '../../run.js';
import {
  gridDifference,
  type Mask,
  maskWhere,
  sameGrid,
  type Volume,
} from '../../volume/volume.js';
import type { Download, PublicCase } from './find-cases.js';
import type { PublicLayout } from './layouts.js';

/** Channels in their order: the FLAIR, then what a case may lack. */
const channels = [
  { key: 'flair', name: 'FLAIR' },
  { key: 'earlier', name: 'FLAIR_EARLIER' },
  { key: 't1', name: 'T1' },
  { key: 't2', name: 'T2' },
] as const;

/** A data set that was made. */
export interface MadeDataset {
  readonly cases: readonly PublicCase[];
  readonly channelNames: readonly string[];
  /** What the download lacks, and what could not be used. */
  readonly notes: readonly string[];
}

/**
 * Makes a training set in nnU-Net's convention of a download, with `cohort.csv`: brain alone, masks
 * of 0 and 1. The folder appears whole or not at all.
 * @throws DawsonError `output-exists`, `output-failed`; `bad-dataset` where no case can be used.
 */
export async function makeDataset(
  { cases, missing }: Download,
  layout: PublicLayout,
  out: string,
  run: Run,
): Promise<MadeDataset> {
  await requireNew(out);
  const used = channels.filter(({ key }) => cases.some((entry) => entry[key] !== undefined));
  const notes = [...missing];
  const made: PublicCase[] = [];
  const staging = join(
    dirname(resolve(out)),
    `.${basename(out)}.${randomBytes(6).toString('hex')}`,
  );
  try {
    await mkdir(join(staging, 'imagesTr'), { recursive: true });
    await mkdir(join(staging, 'labelsTr'));
    await run.stage('cases', async (onProgress) => {
      for (const [at, entry] of cases.entries()) {
        run.signal?.throwIfAborted();
        try {
          await writeCase(entry, layout, used, staging, run);
          made.push(entry);
        } catch (error) {
          if (!(error instanceof DawsonError) || error.code === 'interrupted') throw error;
          if (error.code.startsWith('output')) throw error;
          notes.push(`${entry.name}: ${error.message}`);
        }
        onProgress(at + 1, cases.length);
      }
    });
    if (made.length === 0) {
      throw new DawsonError('bad-dataset', {
        expected: 'at least one case that can be used',
        found: `none:\n    ${notes.join('\n    ')}`,
      });
    }
    await writeWhole(join(staging, 'dataset.json'), Buffer.from(description(made, layout, used)));
    await writeWhole(join(staging, 'cohort.csv'), Buffer.from(cohortOf(made)));
    await rename(staging, out);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return { cases: made, channelNames: used.map(({ name }) => name), notes };
}

async function requireNew(out: string): Promise<void> {
  const stats = await stat(out).catch(() => undefined);
  if (stats === undefined) return;
  if (stats.isDirectory() && (await readdir(out)).length === 0) return;
  throw new DawsonError('output-exists', {
    file: out,
    expected: 'no folder, or an empty one',
    found: 'something else',
  });
}

/** Writes the images of a case, 0 outside the brain, and its mask. */
async function writeCase(
  entry: PublicCase,
  layout: PublicLayout,
  used: readonly (typeof channels)[number][],
  staging: string,
  run: Run,
): Promise<void> {
  const flair = await readVolume(entry.flair);
  const onFlair = <V extends Volume>(volume: V, file: string): V => {
    if (sameGrid(volume, flair.volume)) return volume;
    throw new DawsonError('inputs-conflict', {
      file,
      expected: 'the grid of the FLAIR',
      found: gridDifference(volume, flair.volume) ?? 'another one',
    });
  };
  const { volume: drawn } = await readLabels(entry.reference);
  const { lesionLabel } = layout;
  const isLesion = (value: number) =>
    lesionLabel === undefined ? value !== 0 : value === lesionLabel;
  const labels = maskWhere(onFlair(drawn, entry.reference), isLesion);
  const images: (readonly [number, ImageFile])[] = [];
  for (const [channel, { key }] of used.entries()) {
    const file = entry[key];
    if (file === undefined) continue;
    const image = key === 'flair' ? flair : await readVolume(file);
    onFlair(image.volume, file);
    images.push([channel, image]);
  }
  const brain = layout.brainExtracted
    ? undefined
    : onFlair(await brainOf(entry, flair, run), entry.brain ?? entry.flair);
  for (const [channel, { volume }] of images) {
    const path = join(
      staging,
      'imagesTr',
      `${entry.name}_${String(channel).padStart(4, '0')}.nii.gz`,
    );
    await writeNifti(path, brain ? within(volume, brain) : volume, { like: flair.header });
  }
  await writeNifti(join(staging, 'labelsTr', `${entry.name}.nii.gz`), labels, {
    like: flair.header,
  });
}

/** The publisher's mask of the brain, else the brain that Dawson finds in the FLAIR. */
async function brainOf(entry: PublicCase, { volume }: ImageFile, run: Run): Promise<Mask> {
  if (entry.brain !== undefined) {
    return maskWhere((await readLabels(entry.brain)).volume, (value) => value !== 0);
  }
  const engine = { device: 'cpu', threads: availableParallelism() } as const;
  const network = await openAnatomyNetwork(engine);
  return (await findHead(volume, false, run, network)).brain;
}

/** An image with 0 outside a mask on its grid. */
function within(volume: Volume, mask: Mask): Volume {
  const data = volume.data.slice();
  for (let voxel = 0; voxel < data.length; voxel++) if (mask.data[voxel] === 0) data[voxel] = 0;
  return { ...volume, data };
}

function description(
  cases: readonly PublicCase[],
  layout: PublicLayout,
  used: readonly (typeof channels)[number][],
): string {
  const optional = used.filter(({ key }) => cases.some((entry) => entry[key] === undefined));
  const document = {
    name: layout.title,
    channel_names: Object.fromEntries(used.map(({ name }, at) => [at, name])),
    labels: { background: 0, [layout.shows === 'lesion' ? 'lesion' : 'change']: 1 },
    ...(optional.length > 0 && { optional_channels: optional.map(({ name }) => name) }),
    numTraining: cases.length,
    file_ending: '.nii.gz',
  };
  return jsonText(document);
}

const cohortOf = (cases: readonly PublicCase[]): string =>
  stringify([
    ['case', 'patient', 'visit', 'scanner', 'split', 'reader'],
    ...cases.map(({ name, patient, visit, scanner, split, reader }) => [
      name,
      patient,
      visit,
      scanner,
      split,
      reader,
    ]),
  ]);
