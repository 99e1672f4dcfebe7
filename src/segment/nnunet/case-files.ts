import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../../errors.js';
import { imageEndings } from '../../formats/file-endings.js';
import { readSingle } from '../../formats/index.js';
import type { NiftiHeader } from '../../formats/nifti.js';
import type { NnunetModel } from '../../model/model-folder.js';
import { gridDifference, type Volume } from '../../volume/volume.js';

/** The images of one case, by nnU-Net's names `CASE_0000.nii.gz`, in the order of the channels. */
export interface CaseFiles {
  readonly name: string;
  readonly images: readonly (string | undefined)[];
}

const listedAtMost = 10;

const conflict = (file: string, expected: string, found: string) =>
  new DawsonError('inputs-conflict', {
    file,
    expected,
    found,
    advice: 'Name the images of each case CASE_0000, CASE_0001, …, one a channel of the model.',
  });

/**
 * Cases in a folder of images named as nnU-Net names them. Files with another ending are passed over.
 * @param ending `file_ending` of the model's `dataset.json`
 * @throws DawsonError `file-not-found`; `inputs-conflict` for a folder without cases, cases that lack
 *   a channel, and names without a channel.
 */
export async function casesIn(
  folder: string,
  { channelNames, optionalChannels }: Pick<NnunetModel, 'channelNames' | 'optionalChannels'>,
  ending: string,
): Promise<CaseFiles[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new DawsonError('file-not-found', {
      file: folder,
      expected: 'a folder of images',
      found: error.code ?? 'none',
    });
  });
  const files = names.filter((name) => name.endsWith(ending) && !name.startsWith('.')).sort();
  const cases = new Map<string, (string | undefined)[]>();
  const problems: string[] = [];
  for (const file of files) {
    const [, name, number] = /^(.+)_(\d{4})$/.exec(file.slice(0, -ending.length)) ?? [];
    const channel = Number(number);
    if (name === undefined || channel >= channelNames.length) {
      problems.push(`${file}: no channel of the model`);
      continue;
    }
    const images = cases.get(name) ?? channelNames.map(() => undefined);
    images[channel] = join(folder, file);
    cases.set(name, images);
  }
  for (const [name, images] of cases) {
    for (const [channel, label] of channelNames.entries()) {
      if (images[channel] !== undefined || optionalChannels.includes(label)) continue;
      problems.push(`${name}: no channel ${channel} (${label})`);
    }
  }
  if (cases.size === 0) problems.unshift(`no CASE_0000${ending}`);
  if (problems.length > 0) {
    const shown = problems.slice(0, listedAtMost).join('; ');
    throw conflict(folder, `images of ${channelNames.join(', ')} for each case`, shown);
  }
  return [...cases].map(([name, images]) => ({ name, images }));
}

/** The ending of the images that a model was trained on; NIfTI where its `dataset.json` has none. */
export function fileEndingOf(dataset: unknown): string {
  const { file_ending: ending } = (dataset ?? {}) as { file_ending?: unknown };
  return imageEndings.find((known) => known === ending) ?? '.nii.gz';
}

export interface CaseImages {
  readonly channels: readonly (Volume | undefined)[];
  /** Header of the first image, to write results with; absent where it is no NIfTI. */
  readonly header?: NiftiHeader;
  readonly notes: readonly string[];
}

/**
 * Reads a case, whose images are laid over each other voxel by voxel.
 * @throws DawsonError of the input codes; `inputs-conflict` where sizes differ.
 */
export async function readCaseImages({ images }: CaseFiles): Promise<CaseImages> {
  let first: Awaited<ReturnType<typeof readSingle>> | undefined;
  const notes: string[] = [];
  const channels: (Volume | undefined)[] = [];
  for (const file of images) {
    if (file === undefined) {
      channels.push(undefined);
      continue;
    }
    const image = await readSingle(file);
    first ??= image;
    const difference = gridDifference(first.volume, image.volume);
    if (difference && String(first.volume.size) !== String(image.volume.size)) {
      throw conflict(file, 'images of a case on one grid', difference);
    }
    if (difference) notes.push(`${file}: ${difference}; the voxels are taken as they are`);
    notes.push(...image.notes.map((note) => `${file}: ${note}`));
    channels.push(image.volume);
  }
  return { channels, header: first?.header, notes };
}
