import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clearOld } from '../../src/gateway/clearing.js';
import type { Limits } from '../../src/gateway/config.js';
import { Intake } from '../../src/gateway/intake.js';
import { Journal } from '../../src/gateway/journal.js';
import { Queue } from '../../src/gateway/queue.js';
import { openStateFolder } from '../../src/gateway/state-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const long = new Date('2020-01-01');

/** A gateway's state with one exam that was analysed, delivered and is old. */
async function stateWithExam() {
  const paths = await openStateFolder(temporaryFolder()('state'));
  const queue = new Queue(paths.queue);
  const journal = new Journal(paths.audit, () => {});
  onTestFinished(() => queue.close());
  onTestFinished(() => journal.close());
  queue.putStudy({
    ...{ key: 's', uid: '1.2', patient: 'p', date: null, priority: 'routine', fetched: 0 },
    ...{ name: null, birthDate: null, sex: null },
  });
  queue.addJob({ id: 'v1', study: 's', version: 1, inputs: '1', instances: 1 });
  queue.startJob('v1');
  queue.finishJob('v1', ['pacs']);
  queue.delivered('v1', 'pacs');
  const put = (folder: string) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'image'), 'an image');
    utimesSync(folder, long, long);
  };
  for (const folder of [paths.study('s'), paths.input('v1'), paths.objects('v1')]) put(folder);
  put(paths.result('v1'));
  await wait(5);
  const clear = (isAtWork = () => false, imagesDays = 0) =>
    clearOld({ keep: { imagesDays, resultsDays: 10 } }, paths, queue, journal, isAtWork);
  return { paths, queue, clear, put };
}

describe('clearing by age', () => {
  it('removes the images of an exam, and keeps its result', async () => {
    const { paths, clear } = await stateWithExam();
    await clear();
    const left = [paths.study('s'), paths.input('v1'), paths.objects('v1'), paths.result('v1')];
    expect(left.map((folder) => existsSync(folder))).toEqual([false, false, false, true]);
  });

  it('removes images that were sent again after those of their exam were cleared', async () => {
    const { paths, clear, put } = await stateWithExam();
    await clear();
    put(paths.study('s'));
    utimesSync(paths.study('s'), new Date(), new Date());
    await clear(undefined, 1);
    expect(existsSync(paths.study('s'))).toBe(true);
    utimesSync(paths.study('s'), long, long);
    await clear(undefined, 1);
    expect(existsSync(paths.study('s'))).toBe(false);
  });

  it('leaves an exam alone of which images come or a version is being made', async () => {
    const { paths, queue, clear } = await stateWithExam();
    const intake = new Intake(paths, queue, {} as Limits, {} as never);
    intake.becomingJobs.add('s');
    await clear(() => intake.isAtWork('s'));
    expect(existsSync(paths.study('s'))).toBe(true);
    intake.becomingJobs.delete('s');
    await clear(() => intake.isAtWork('s'));
    expect(existsSync(paths.study('s'))).toBe(false);
  });
});
