import { setImmediate } from 'node:timers/promises';
import { type Axes3, voxelsIn } from '../segment/nnunet-grid.js';
import { seededRandom } from '../volume/random.js';
import type { WorkerPool } from '../workers.js';
import {
  type AugmentationSettings,
  augment,
  isFlat,
  largestAngle,
  noAugmentation,
  sampleAugmentation,
} from './augment.js';
import { reachOf, spatialMatrix, transformPatch } from './augment-spatial.js';
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
  /** [batchSize, channels, ...patchShape]. */
  readonly image: Float32Array;
  /** [batchSize, ...patchShape], classes. */
  readonly labels: Uint8Array;
  /** Names of the cases, in the order of the batch. */
  readonly cases: readonly string[];
}

export interface PatchSource {
  /**
   * The next batch, usually ready before it is asked for.
   * @throws what making it threw; the signal's reason; RangeError after `close`.
   */
  nextBatch(): Promise<Batch>;
  /** Makes no more batches, and waits for those under way: at most `ahead`. Before the pool's. */
  close(): Promise<void>;
}

/**
 * Batches without end, made ahead by worker threads. A batch depends on the settings and on its
 * index alone, so that neither the number of threads nor a restart changes anything.
 * @param firstBatch index of the first batch; a resumed run starts where it had stopped
 * @param ahead how many batches are made or kept ready beyond the one that is asked for; bounds the
 *   memory
 */
export function patchSource(
  cases: readonly CachedCase[],
  settings: PatchSettings,
  {
    pool,
    signal,
    firstBatch = 0,
    ahead = 4,
  }: { pool: WorkerPool; signal?: AbortSignal; firstBatch?: number; ahead?: number },
): PatchSource {
  if (cases.length === 0) throw new RangeError('patches of no cases');
  const queue: Promise<Batch>[] = [];
  let isOpen = true;
  let next = firstBatch;
  const fill = () => {
    while (queue.length < Math.max(1, ahead)) {
      const batch = pool.call<typeof makeBatch>(
        new URL('./patch-source.js', import.meta.url),
        'makeBatch',
        [cases, settings, next++],
      );
      // A failure is told to whoever asks for this batch, and to nobody before.
      batch.catch(() => {});
      queue.push(batch);
    }
  };
  fill();
  return {
    async nextBatch() {
      signal?.throwIfAborted();
      if (!isOpen) throw new RangeError('the source of patches is closed');
      // A caller that never waits would else keep the workers' answers, and new orders, from passing.
      await setImmediate();
      fill();
      const { image, labels, ...rest } = await queue.shift()!;
      fill();
      return { ...rest, image: image.slice(), labels: labels.slice() };
    },
    async close() {
      isOpen = false;
      // A worker that is stopped while its answer is under way brings the pool down.
      await Promise.allSettled(queue);
    },
  };
}

/** Makes one batch; runs in a worker. */
export function makeBatch(
  cases: readonly CachedCase[],
  settings: PatchSettings,
  index: number,
): Batch {
  const { patchShape, batchSize } = settings;
  const voxels = voxelsIn(patchShape);
  const channels = cases[0].present.length;
  const image = new Float32Array(shared(4 * batchSize * channels * voxels));
  const labels = new Uint8Array(shared(batchSize * voxels));
  const names: string[] = [];
  const random = seededRandom(batchSeed(settings.seed, index));
  for (let place = 0; place < batchSize; place++) {
    const chosen = cases[random.integer(cases.length)];
    const parameters = settings.augmentation
      ? sampleAugmentation(random, patchShape, channels, settings.augmentation)
      : noAugmentation;
    const flat = isFlat(patchShape);
    const drawn = settings.augmentation
      ? drawnShape(patchShape, largestAngle(flat), flat)
      : patchShape;
    const around = showsForeground(place, batchSize) ? drawForeground(chosen, random) : undefined;
    const start = drawStart(random, chosen.shape, patchShape, drawn, around);
    const patch = cutTransformed(chosen, start, patchShape, parameters.spatial);
    const use = { present: chosen.present, masked: settings.maskedChannels };
    const augmented = augment(patch, patchShape, use, parameters);
    image.set(augmented.image, place * channels * voxels);
    labels.set(augmented.labels, place * voxels);
    names.push(chosen.name);
  }
  return { index, image, labels, cases: names };
}

/** Memory that passes from a worker without being copied. */
const shared = (bytes: number) => new SharedArrayBuffer(bytes);

/** Seeds of neighbouring batches have nothing in common, nor those of neighbouring runs. */
function batchSeed(seed: number, index: number): number {
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
  const around = start.map((n, axis) => n - (reach[axis] - shape[axis]) / 2) as unknown as Axes3;
  return transformPatch(readPatch(cached, around, reach), reach, shape, matrix);
}
