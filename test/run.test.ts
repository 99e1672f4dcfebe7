import { describe, expect, it } from 'vitest';
import { withRun } from '../src/run.js';
import { WorkerPool } from '../src/workers.js';

const module = new URL('./support/worker-functions.mjs', import.meta.url);
const add = (pool: WorkerPool) =>
  pool.call<(a: number, b: number[]) => number>(module, 'add', [1, [2]]);

describe('withRun', () => {
  it('needs nothing: threads of its own, stages that are silent', async () => {
    const sum = await withRun({}, ({ pool, stage }) => stage('add', () => add(pool)));
    expect(sum).toBe(3);
  });

  it('closes the pool that it made when the work fails, with what runs in it', async () => {
    let running: Promise<unknown> | undefined;
    const failing = withRun({}, async ({ pool }) => {
      running = pool.call<() => void>(module, 'runForever', []).catch((error) => error);
      throw new RangeError('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await running).toMatchObject({ message: 'Terminating worker thread' });
  });

  it('leaves a pool that it was given open', async () => {
    const pool = new WorkerPool(1);
    try {
      await withRun({ pool }, (run) => add(run.pool));
      expect(await add(pool)).toBe(3);
    } finally {
      await pool.close();
    }
  });
});
