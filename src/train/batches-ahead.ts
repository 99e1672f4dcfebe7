import { setImmediate } from 'node:timers/promises';

/** Batches that are made before they are asked for. */
export interface BatchesAhead<B> {
  /**
   * The next batch, usually ready before it is asked for.
   * @throws what making it threw; the signal's reason; RangeError after `close`.
   */
  nextBatch(): Promise<B>;
  /** Makes no more batches, and waits for those under way: at most `ahead`. Before the pool's. */
  close(): Promise<void>;
}

/**
 * Batches without end, in the order of their indices.
 * @param make starts making the batch of an index, in a worker
 * @param firstBatch index of the first batch; a resumed run starts where it had stopped
 * @param ahead how many batches are made or kept ready beyond the one that is asked for; bounds the
 *   memory
 */
export function batchesAhead<B>(
  make: (index: number) => Promise<B>,
  {
    signal,
    firstBatch = 0,
    ahead = 4,
  }: { signal?: AbortSignal; firstBatch?: number; ahead?: number },
): BatchesAhead<B> {
  const queue: Promise<B>[] = [];
  let isOpen = true;
  let next = firstBatch;
  const fill = () => {
    while (queue.length < Math.max(1, ahead)) {
      const batch = make(next++);
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
      const batch = await queue.shift()!;
      fill();
      return batch;
    },
    async close() {
      isOpen = false;
      // A worker that is stopped while its answer is under way brings the pool down.
      await Promise.allSettled(queue);
    },
  };
}
