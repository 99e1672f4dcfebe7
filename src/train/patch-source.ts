import { mapAxes } from '../volume/affine.js';
import { type Axes3, voxelsIn } from '../volume/arrays.js';
import { seededRandom } from '../volume/random.js';
import { inWorker, type WorkerPool } from '../workers.js';
import {
  type AugmentationSettings,
  augment,
  isFlat,
  largestAngle,
  noAugmentation,
  sampleAugmentation,
} from './augment.js';
import { reachOf, spatialMatrix, transformPatch } from './augment-spatial.js';
import { type BatchesAhead, batchesAhead } from './batches-ahead.js';
import { type CachedCase, type CasePatch, foregroundVoxel, readPatch } from './cache.js';
import { drawnShape, drawStart, showsForeground } from './sample.js';

/** What the batches of a training run are made of. */
export interface PatchSettings {
  readonly patchShape: Axes3;
  readonly batchSize: number;
  /** Whether each channel is 0 outside of the non-zero region (`use_mask_for_norm` of the plan). */
  readonly maskedChannels: readonly boolean[];
  readonly seed: number;
  /** Absent for validation: patches as they are. */
  readonly augmentation?: AugmentationSettings;
}

/** Patches for one training step. */
export interface Batch {
  /** Counted from 0; the same index of the same settings is the same batch. */
  readonly index: number;
  /** [batchSize, channels, ...patchShape]; after the images the labels of a stage before. */
  readonly image: Float32Array;
  /** [batchSize, ...patchShape], classes. */
  readonly labels: Uint8Array;
  /** Names of the cases, in the order of the batch. */
  readonly cases: readonly string[];
}

/**
 * Batches without end, made ahead by worker threads. A batch depends on the settings and on its
 * index alone, so that neither the number of threads nor a restart changes anything.
 * @param options see {@link batchesAhead}
 */
export function patchSource(
  cases: readonly CachedCase[],
  settings: PatchSettings,
  {
    pool,
    ...options
  }: { pool: WorkerPool; signal?: AbortSignal; firstBatch?: number; ahead?: number },
): BatchesAhead<Batch> {
  if (cases.length === 0) throw new RangeError('patches of no cases');
  return batchesAhead(async (index) => {
    const { image, labels, ...rest } = await makeBatchInWorker({ pool }, cases, settings, index);
    return { ...rest, image: image.slice(), labels: labels.slice() };
  }, options);
}

/** Makes one batch; runs in a worker. */
export function makeBatch(
  cases: readonly CachedCase[],
  settings: PatchSettings,
  index: number,
): Batch {
  const { patchShape, batchSize } = settings;
  const voxels = voxelsIn(patchShape);
  const { present, foreground, hasPrevious } = cases[0];
  const previousLabels = hasPrevious ? foreground.length : 0;
  const channels = present.length + previousLabels;
  const image = new Float32Array(shared(4 * batchSize * channels * voxels));
  const labels = new Uint8Array(shared(batchSize * voxels));
  const names: string[] = [];
  const random = seededRandom(batchSeed(settings.seed, index));
  for (let place = 0; place < batchSize; place++) {
    const chosen = cases[random.integer(cases.length)];
    const parameters = settings.augmentation
      ? sampleAugmentation(
          random,
          patchShape,
          present.length,
          settings.augmentation,
          previousLabels,
        )
      : noAugmentation;
    const drawn = settings.augmentation
      ? drawnShape(patchShape, largestAngle(patchShape), isFlat(patchShape))
      : patchShape;
    const around = showsForeground(place, batchSize) ? drawForeground(chosen, random) : undefined;
    const start = drawStart(random, chosen.shape, patchShape, drawn, around);
    const patch = cutTransformed(chosen, start, patchShape, parameters.spatial);
    const use = { present: chosen.present, masked: settings.maskedChannels, previousLabels };
    const augmented = augment(patch, patchShape, use, parameters);
    image.set(augmented.image, place * channels * voxels);
    labels.set(augmented.labels, place * voxels);
    names.push(chosen.name);
  }
  return { index, image, labels, cases: names };
}

export const makeBatchInWorker = inWorker<typeof makeBatch>(import.meta.url, 'makeBatch');

/** Memory that passes from a worker without being copied. */
const shared = (bytes: number) => new SharedArrayBuffer(bytes);

/** Seeds of neighbouring batches have nothing in common, nor those of neighbouring runs. */
export function batchSeed(seed: number, index: number): number {
  const ofRun = seededRandom(seed).bits();
  return (ofRun ^ seededRandom(index >>> 0).bits()) >>> 0;
}

/** A voxel of one of the classes that the case has, each class alike; none where it has none. */
function drawForeground(
  cached: CachedCase,
  random: { integer(limit: number): number },
): Axes3 | undefined {
  const classes = cached.foreground.flatMap((count, index) => (count > 0 ? [index + 1] : []));
  if (classes.length === 0) return undefined;
  const label = classes[random.integer(classes.length)];
  return foregroundVoxel(cached, label, random.integer(cached.foreground[label - 1]));
}

/** The patch as it is, or turned and scaled, with as much of the case around it as that shows. */
function cutTransformed(
  cached: CachedCase,
  start: Axes3,
  shape: Axes3,
  spatial: Parameters<typeof spatialMatrix>[0] | undefined,
): CasePatch {
  if (!spatial) return readPatch(cached, start, shape);
  const matrix = spatialMatrix(spatial);
  // A patch and its surroundings have the same centre when they differ by an even number of voxels.
  const reach = reachOf(matrix, shape).map(
    (n, axis) => n + ((n - shape[axis]) & 1),
  ) as unknown as Axes3;
  const around = mapAxes(start, (n, axis) => n - (reach[axis] - shape[axis]) / 2);
  return transformPatch(readPatch(cached, around, reach), reach, shape, matrix);
}
