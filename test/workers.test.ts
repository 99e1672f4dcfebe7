import { describe, expect, it } from 'vitest';
import { DawsonError } from '../src/errors.js';
import { WorkerPool } from '../src/workers.js';

const module = new URL('./support/worker-functions.mjs', import.meta.url);

async function withPool<T>(use: (pool: WorkerPool) => Promise<T>): Promise<T> {
  const pool = new WorkerPool(1);
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}

describe('WorkerPool', () => {
  it('calls an exported function with its arguments', async () => {
    await withPool(async (pool) => {
      const sum = await pool.call<(a: number, b: Float32Array) => number>(module, 'add', [
        1,
        Float32Array.of(2, 3),
      ]);
      expect(sum).toBe(6);
    });
  });

  it('stops a call in the middle with the reason of the signal', async () => {
    await withPool(async (pool) => {
      const reason = new DawsonError('interrupted', { expected: 'an end', found: 'a stop' });
      const controller = new AbortController();
      const call = pool.call<() => void>(module, 'runForever', [], controller.signal);
      setTimeout(() => controller.abort(reason), 200);
      await expect(call).rejects.toBe(reason);
    });
  });

  it('lets many calls wait on one signal without a warning', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error) => warnings.push(warning.name);
    process.on('warning', listen);
    const { signal } = new AbortController();
    const add = [1, Float32Array.of(1)] as const;
    await withPool(async (pool) => {
      const call = () =>
        pool.call<(a: number, b: Float32Array) => number>(module, 'add', [...add], signal);
      expect(await Promise.all(Array.from({ length: 30 }, call))).toEqual(Array(30).fill(2));
    });
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('brings other errors of the function back as they are', async () => {
    await withPool(async (pool) => {
      await expect(pool.call<() => void>(module, 'fail', [])).rejects.toThrow('not foreseen');
    });
  });
});
