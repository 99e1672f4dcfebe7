import { DawsonError } from '../errors.js';
import { checkIntensities, type ImageFile, readLabels, readSingle } from '../formats/index.js';
import type { Channels } from '../segment/nnunet/preprocess.js';
import { gridDifference, sameGrid, type Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';
import type { DatasetCase } from './dataset.js';

/** The images and labels of a case, on one grid. */
export interface CaseImages {
  readonly channels: Channels;
  readonly labels: Volume;
  /** What the first network of a cascade found, for its second. */
  readonly previous?: Volume;
}

/** A case, or sentences about everything that keeps it from being used. */
export type CaseReading =
  | {
      readonly images: CaseImages;
      readonly notes: readonly string[];
      /** SHA-256 of the files as they were read: the channels that are there, the labels, those of the stage before. */
      readonly sha256: readonly string[];
    }
  | { readonly problems: readonly string[] };

/** More unknown labels than these are not worth listing. */
const mostListedLabels = 5;

/** Reads and checks a case: one grid, finite intensities, known labels, something to see. */
export async function readCase(entry: DatasetCase, classCount: number): Promise<CaseReading> {
  const problems: string[] = [];
  const notes: string[] = [];
  const sha256: string[] = [];
  const attempt = async (file: string, read: (file: string) => Promise<ImageFile>) => {
    try {
      const image = await read(file);
      notes.push(...image.notes.map((note) => `${file}: ${note}`));
      sha256.push(image.sha256);
      return image.volume;
    } catch (error) {
      if (!(error instanceof DawsonError)) throw error;
      problems.push(`${entry.name}: ${error.message}`);
      return undefined;
    }
  };
  const channels: (Volume | undefined)[] = [];
  for (const file of entry.images) {
    channels.push((file && (await attempt(file, readChannel))) || undefined);
  }
  const labels = await attempt(entry.labels, readLabels);
  const previous = entry.previous && (await attempt(entry.previous, readLabels));
  if (problems.length > 0 || !labels) return { problems };
  for (const [channel, volume] of channels.entries()) {
    if (!volume || sameGrid(volume, labels)) continue;
    problems.push(
      `${entry.name}: the labels lie on another grid than channel ${channel}: ` +
        gridDifference(volume, labels),
    );
  }
  if (previous && !sameGrid(previous, labels)) {
    const difference = gridDifference(previous, labels);
    problems.push(`${entry.name}: ${ofStage} lie on another grid than the labels: ${difference}`);
  }
  for (const [what, volume] of [['labels', labels] as const, [ofStage, previous] as const]) {
    const unknown = volume ? unknownLabels(volume, classCount) : [];
    if (unknown.length === 0) continue;
    problems.push(`${entry.name}: ${what} ${unknown.join(', ')} are not in dataset.json`);
  }
  if (problems.length > 0) return { problems };
  return { images: { channels, labels, ...(previous && { previous }) }, notes, sha256 };
}

const ofStage = 'labels of the stage before';

export const readCaseInWorker = inWorker<typeof readCase>(import.meta.url, 'readCase');

/** Networks do not learn from images that had to be repaired. */
async function readChannel(file: string): Promise<ImageFile> {
  const image = await readSingle(file);
  const { volume, replacedVoxels } = image;
  checkIntensities(volume, file);
  if (replacedVoxels === 0) return image;
  const found = `${replacedVoxels} of ${volume.data.length} voxels infinite or not numbers`;
  throw new DawsonError('bad-intensities', { file, expected: 'finite values', found });
}

function unknownLabels(labels: Volume, classCount: number): (number | string)[] {
  const unknown = new Set<number>();
  for (let at = 0; at < labels.data.length; at++) {
    const label = labels.data[at];
    if (Number.isInteger(label) && label >= 0 && label < classCount) continue;
    unknown.add(label);
    if (unknown.size > mostListedLabels) break;
  }
  const listed: (number | string)[] = [...unknown];
  return listed.length > mostListedLabels ? [...listed.slice(0, mostListedLabels), '…'] : listed;
}
