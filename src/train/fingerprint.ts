import type { IntensityProperties } from '../model/nnunet-plans.js';
import { nonZeroBox } from '../segment/nnunet/preprocess.js';
import { voxelSizeMm } from '../volume/affine.js';
import { type Axes3, axesOf, shapeOf, voxelsIn } from '../volume/arrays.js';
import { percentile } from '../volume/histogram.js';
import { orientationOf } from '../volume/reorient.js';
import { inWorker, type WorkerPool } from '../workers.js';
import { badDataset, type Dataset, type DatasetCase } from './dataset.js';
import { type CaseImages, readCase } from './read-case.js';

/** What planning needs to know about a training set. Axes in the order of the files' arrays. */
export interface Fingerprint {
  /** One a case, in mm. */
  readonly spacingsMm: readonly Axes3[];
  /** One a case, of the non-zero region. */
  readonly shapesAfterCrop: readonly Axes3[];
  /** One a channel, of the labelled voxels. */
  readonly intensities: readonly IntensityProperties[];
  /** Median over the cases of the non-zero region's part of the image. */
  readonly medianRelativeSizeAfterCropping: number;
  /** The most frequent orientation of the images, such as 'RAS': exams are turned to it later. */
  readonly orientation: string;
}

/** What one case adds to the fingerprint. */
export interface CaseFacts {
  readonly spacingMm: Axes3;
  readonly shapeAfterCrop: Axes3;
  readonly relativeSize: number;
  readonly orientation: string;
  /** Intensities of labelled voxels by channel; empty where there are none. */
  readonly foreground: readonly Float32Array[];
}

/** Labelled voxels that are looked at, in all cases together, a channel. */
const foregroundVoxels = 2 ** 20;

/**
 * The fingerprint of a dataset; every case is read and checked.
 * @throws DawsonError `bad-dataset` with everything that is wrong with any case.
 */
export async function fingerprintOf(
  dataset: Dataset,
  {
    pool,
    signal,
    onProgress,
  }: {
    pool: WorkerPool;
    signal?: AbortSignal;
    onProgress?: (done: number, all: number) => void;
  },
): Promise<Fingerprint & { readonly notes: readonly string[] }> {
  const { cases, classNames } = dataset;
  const perCase = Math.ceil(foregroundVoxels / cases.length);
  let done = 0;
  const results = await Promise.all(
    cases.map(async (entry) => {
      const result = await readCaseFactsInWorker(
        { pool, signal },
        entry,
        classNames.length,
        perCase,
      );
      onProgress?.(++done, cases.length);
      return result;
    }),
  );
  const problems = results.flatMap((result) => ('problems' in result ? result.problems : []));
  if (problems.length > 0) throw badDataset(dataset.folder, problems);
  const facts = results.filter((result) => 'spacingMm' in result);
  for (const [channel, name] of dataset.channelNames.entries()) {
    if (facts.every(({ foreground }) => foreground[channel].length === 0)) {
      problems.push(`${name}: no case has labelled voxels in this channel`);
    }
  }
  if (problems.length > 0) throw badDataset(dataset.folder, problems);
  return { ...mergeFacts(facts), notes: facts.flatMap(({ notes }) => notes) };
}

/**
 * Reads one case and takes its facts, with what was assumed in reading, or says what keeps it from
 * being used.
 */
export async function readCaseFacts(
  entry: DatasetCase,
  classCount: number,
  mostForegroundVoxels: number,
): Promise<
  (CaseFacts & { readonly notes: readonly string[] }) | { readonly problems: readonly string[] }
> {
  const reading = await readCase(entry, classCount);
  if ('problems' in reading) return reading;
  return { ...factsOf(reading.images, mostForegroundVoxels), notes: reading.notes };
}

export const readCaseFactsInWorker = inWorker<typeof readCaseFacts>(
  import.meta.url,
  'readCaseFacts',
);

/**
 * The facts of one case. Of more labelled voxels than `mostForegroundVoxels`, as many in even steps.
 */
export function factsOf({ channels, labels }: CaseImages, mostForegroundVoxels: number): CaseFacts {
  const { shape } = nonZeroBox(channels);
  let count = 0;
  for (let at = 0; at < labels.data.length; at++) if (labels.data[at] > 0) count++;
  const taken = Math.min(count, mostForegroundVoxels);
  const places = new Int32Array(taken);
  let seen = 0;
  let next = 0;
  for (let at = 0; next < taken; at++) {
    if (labels.data[at] <= 0) continue;
    if (seen++ >= Math.floor((next * count) / taken)) places[next++] = at;
  }
  return {
    spacingMm: axesOf(voxelSizeMm(labels.affine)),
    shapeAfterCrop: shape,
    relativeSize: voxelsIn(shape) / voxelsIn(shapeOf(labels)),
    orientation: orientationOf(labels.affine),
    foreground: channels.map((volume) =>
      volume ? Float32Array.from(places, (at) => volume.data[at]) : new Float32Array(0),
    ),
  };
}

export function mergeFacts(facts: readonly CaseFacts[]): Fingerprint {
  return {
    spacingsMm: facts.map(({ spacingMm }) => spacingMm),
    shapesAfterCrop: facts.map(({ shapeAfterCrop }) => shapeAfterCrop),
    intensities: facts[0].foreground.map((_, channel) =>
      intensityProperties(facts.map(({ foreground }) => foreground[channel])),
    ),
    medianRelativeSizeAfterCropping: percentile(
      Float64Array.from(facts, ({ relativeSize }) => relativeSize),
      50,
    ),
    orientation: mostFrequent(facts.map(({ orientation }) => orientation)),
  };
}

/** The most frequent one; of equally frequent ones the first in the alphabet. */
function mostFrequent(values: readonly string[]): string {
  const count = (value: string) => values.filter((other) => other === value).length;
  return values.toSorted().reduce((best, value) => (count(value) > count(best) ? value : best));
}

/**
 * Statistics in which every case counts alike, whatever its number of voxels: the expectation of
 * nnU-Net, which draws equally many of each, with replacement.
 */
function intensityProperties(cases: readonly Float32Array[]): IntensityProperties {
  const filled = cases.filter((values) => values.length > 0);
  const sorted = filled
    .flatMap((values) => Array.from(values, (value) => ({ value, weight: 1 / values.length })))
    .sort((a, b) => a.value - b.value);
  const total = filled.length;
  let mean = 0;
  for (const { value, weight } of sorted) mean += (value * weight) / total;
  let variance = 0;
  for (const { value, weight } of sorted) variance += ((value - mean) ** 2 * weight) / total;
  const quantile = (q: number) => {
    let reached = 0;
    for (const { value, weight } of sorted) {
      reached += weight / total;
      if (reached >= q) return value;
    }
    return sorted[sorted.length - 1].value;
  };
  return {
    mean,
    median: quantile(0.5),
    std: Math.sqrt(variance),
    min: sorted[0].value,
    max: sorted[sorted.length - 1].value,
    percentile_00_5: quantile(0.005),
    percentile_99_5: quantile(0.995),
  };
}
