import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { durationInWords, type Engine, type Job, Ledger, runJobs } from '../../src/jobs/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** An engine that copies a file into another, and says what it was told to do. */
function copyingEngine() {
  const ran: string[] = [];
  let [now, most] = [0, 0];
  const engine: Engine = {
    run: async ([name, from, to]) => {
      ran.push(name);
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 20));
      now--;
      if (name === 'broken') return { code: 'bad-model', reason: 'It is broken.' };
      if (name === 'killed') return { code: 'internal', reason: 'It was ended by SIGKILL.' };
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, `${readFileSync(from, 'utf8')} ${name}`);
      return undefined;
    },
  };
  return { engine, ran, most: () => most };
}

function workIn(path: (...names: string[]) => string) {
  mkdirSync(path('in'), { recursive: true });
  const job = (id: string, from: string, rest: Partial<Job> = {}): Job => ({
    id,
    command: [id, from, path('out', id)],
    reads: [from],
    writes: path('out', id),
    memoryBytes: 1,
    ...rest,
  });
  const run = (engine: Engine, jobs: readonly Job[], rest = {}) =>
    runJobs(jobs, {
      engine,
      ledger: new Ledger(path('ledger')),
      slots: 2,
      threads: 1,
      memoryBytes: 10,
      ...rest,
    });
  return { job, run };
}

describe('runJobs', () => {
  it('runs each after those that it reads from, and nothing twice', async () => {
    const path = temporaryFolder();
    const { job, run } = workIn(path);
    writeFileSync(path('in', 'a'), 'a');
    const first = job('first', path('in', 'a'));
    const second = job('second', path('out', 'first'), { after: ['first'] });
    const { engine, ran } = copyingEngine();
    const records = await run(engine, [second, first]);
    expect(ran).toEqual(['first', 'second']);
    expect(readFileSync(path('out', 'second'), 'utf8')).toBe('a first second');
    expect([...records.values()].map(({ state }) => state)).toEqual(['done', 'done']);

    await run(engine, [second, first]);
    expect(ran).toHaveLength(2);
  });

  it('runs again what reads something else, or whose result is gone', async () => {
    const path = temporaryFolder();
    const { job, run } = workIn(path);
    writeFileSync(path('in', 'a'), 'a');
    const jobs = [
      job('first', path('in', 'a')),
      job('second', path('out', 'first'), { after: ['first'] }),
    ];
    const { engine, ran } = copyingEngine();
    await run(engine, jobs);
    rmSync(path('out', 'second'));
    await run(engine, jobs);
    expect(ran).toEqual(['first', 'second', 'second']);
    writeFileSync(path('in', 'a'), 'b');
    await run(engine, jobs);
    expect(ran.slice(3)).toEqual(['first', 'second']);
    writeFileSync(path('ledger', 'first.json'), '{"schema": "dawson-j');
    await run(engine, jobs);
    expect(ran.slice(5)).toEqual(['first']);
  });

  it('goes on when one fails, and says what is left undone', async () => {
    const path = temporaryFolder();
    const { job, run } = workIn(path);
    writeFileSync(path('in', 'a'), 'a');
    const jobs = [
      job('broken', path('in', 'a')),
      job('after', path('out', 'broken'), { after: ['broken'] }),
      job('killed', path('in', 'a')),
      job('other', path('in', 'a')),
      job('without', path('in', 'none')),
    ];
    const { engine, ran } = copyingEngine();
    const records = await run(engine, jobs);
    expect(records.get('other')!.state).toBe('done');
    expect(records.get('broken')!.failure).toEqual({ code: 'bad-model', reason: 'It is broken.' });
    expect(records.get('after')!.failure!.reason).toContain('broken');
    expect(records.get('without')!.failure!.code).toBe('file-not-found');
    expect(existsSync(path('out', 'after'))).toBe(false);
    // What would fail again is not tried again; what was killed is.
    ran.length = 0;
    await run(engine, jobs);
    expect(ran).toEqual(['killed']);
  });

  it('tries again what failed in a folder of its own, which somebody may have put right', async () => {
    const path = temporaryFolder();
    const { job, run } = workIn(path);
    writeFileSync(path('in', 'a'), 'a');
    const jobs = [job('broken', path('in', 'a'), { keeps: [path('kept')] })];
    const { engine, ran } = copyingEngine();
    await run(engine, jobs);
    await run(engine, jobs);
    expect(ran).toEqual(['broken', 'broken']);
  });

  it.each([
    ['a.mhd', 'a.raw', 'NDims = 3\nElementDataFile = a.raw\n'],
    ['a.hdr', 'a.img', 'header'],
  ])('runs again when the voxels of %s change', async (header, voxels, text) => {
    const path = temporaryFolder();
    const { job, run } = workIn(path);
    writeFileSync(path('in', header), text);
    writeFileSync(path('in', voxels), '1');
    symlinkSync(path('in', header), path(header));
    const { engine, ran } = copyingEngine();
    const jobs = [job('plain', path('in', header)), job('linked', path(header))];
    await run(engine, jobs);
    await run(engine, jobs);
    expect(ran).toHaveLength(2);
    writeFileSync(path('in', voxels), '2');
    await run(engine, jobs);
    expect(ran).toHaveLength(4);
  });

  it('keeps within slots and memory', async () => {
    const path = temporaryFolder();
    const { job, run } = workIn(path);
    writeFileSync(path('in', 'a'), 'a');
    const jobs = (bytes: number) =>
      Array.from({ length: 6 }, (_, at) =>
        job(`job-${bytes}-${at}`, path('in', 'a'), { memoryBytes: bytes }),
      );
    const light = copyingEngine();
    await run(light.engine, jobs(1), { slots: 3 });
    expect(light.most()).toBe(3);
    const heavy = copyingEngine();
    await run(heavy.engine, jobs(6), { slots: 3 });
    expect(heavy.most()).toBe(1);
  });

  it('stops with the signal, and goes on from there', async () => {
    const path = temporaryFolder();
    const { job, run } = workIn(path);
    writeFileSync(path('in', 'a'), 'a');
    const jobs = Array.from({ length: 6 }, (_, at) => job(`job-${at}`, path('in', 'a')));
    const { engine, ran } = copyingEngine();
    const stop = new AbortController();
    const reason = new DawsonError('interrupted', { expected: 'an end', found: 'a stop' });
    const onEnd = () => stop.abort(reason);
    await expect(run(engine, jobs, { slots: 1, signal: stop.signal, onEnd })).rejects.toBe(reason);
    expect(ran).toHaveLength(1);
    await run(engine, jobs);
    expect(new Set(ran).size).toBe(6);
    expect(ran).toHaveLength(6);
  });
});

describe('durationInWords', () => {
  it('says times as people do', () => {
    expect(durationInWords(33 * 86_400)).toBe('about 33 days');
    expect(durationInWords(5400)).toBe('about 1.5 hours');
    expect(durationInWords(1)).toBe('about 1 second');
    expect(durationInWords(610)).toBe('about 11 minutes');
  });
});
