import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Queue } from '../../src/gateway/queue.js';
import { standInSteps, startGateway, writeStudy } from '../support/gateway.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A step of a job that lasts until there is a file. */
const untilThere =
  "const look = () => require('fs').existsSync(process.argv[1]) || setTimeout(look, 50); look()";

describe('versions of a study', () => {
  it('are analysed and delivered one after the other, however many exams run at once', async () => {
    const quick = standInSteps();
    const go = temporaryFolder()('go');
    let isFirst = true;
    const gateway = await startGateway(
      { folders: [{ path: 'inbox' }], receiver: undefined, jobs: { atOnce: 2 } },
      (input, config) => {
        const waiting = isFirst ? [['-e', untilThere, go]] : [];
        isFirst = false;
        return [...waiting, ...quick(input, config)];
      },
    );
    writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    await gateway.until('running', ({ jobs }) => jobs.running === 1);
    writeStudy(gateway.at('inbox'), { study: '1.2.3', slices: 4 });
    await gateway.until('queued', ({ last }) => last.length === 2);
    // Time enough for the second to overtake the first.
    await gateway.until('overtaken', ({ jobs }) => jobs.done === 1, 8000).catch(() => {});
    writeFileSync(go, '');
    const { last } = await gateway.until('both', ({ deliveries }) => deliveries.delivered === 2);
    const delivered = readFileSync(gateway.at('state', 'audit.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === 'result delivered')
      .map(({ job }) => last.find((exam) => exam.job === job)?.version);
    expect(delivered).toEqual([1, 2]);
  });
});

describe('the queue', () => {
  const open = () => {
    const queue = new Queue(temporaryFolder()('queue.sqlite'));
    onTestFinished(() => queue.close());
    queue.putStudy({
      ...{ key: 's', uid: '1.2', patient: 'p', date: null, priority: 'routine', fetched: 0 },
      ...{ name: null, birthDate: null, sex: null },
    });
    return queue;
  };
  const add = (queue: Queue, version: number) =>
    queue.addJob({ id: `v${version}`, study: 's', version, inputs: `${version}`, instances: 1 });
  const finish = (queue: Queue, id: string) => {
    queue.startJob(id);
    queue.finishJob(id, ['pacs', 'copy']);
  };
  const waiting = (queue: Queue) =>
    queue.waitingDeliveries().map(({ job, destination }) => `${job} ${destination}`);

  it('holds back a newer version from a destination that still waits for an older one', () => {
    const queue = open();
    for (const version of [1, 2]) {
      add(queue, version);
      finish(queue, `v${version}`);
    }
    queue.delivered('v1', 'copy');
    queue.deliveryFailed('v1', 'pacs', 'away');
    expect(waiting(queue)).toEqual(['v1 pacs', 'v2 copy']);
    queue.delivered('v1', 'pacs');
    expect(waiting(queue)).toEqual(['v2 copy', 'v2 pacs']);
  });

  it('replaces what waits again by a later version, and does not retry it', () => {
    const queue = open();
    add(queue, 1);
    queue.startJob('v1');
    add(queue, 2);
    expect(queue.waitingJobs()).toEqual([]);
    queue.endJob('v1', 'waiting', 'may pass');
    expect(queue.job('v1')?.state).toBe('replaced');
    expect(queue.waitingJobs().map(({ id }) => id)).toEqual(['v2']);
    queue.startJob('v2');
    queue.endJob('v2', 'failed', 'no memory');
    add(queue, 3);
    expect(queue.retry('v2')).toBe(false);
    finish(queue, 'v3');
    queue.cancel('v3');
    expect(queue.retry('v3')).toBe(true);
  });

  it('keeps what a destination has not committed itself to, and delivers it again in time', () => {
    const queue = open();
    add(queue, 1);
    finish(queue, 'v1');
    queue.delivered('v1', 'copy');
    queue.stored('v1', 'pacs', '2.25.7');
    expect(waiting(queue)).toEqual([]);
    expect(queue.endedBefore(Date.now() + 1000, 1)).toEqual([]);
    expect(queue.deliveryAsked('2.25.7')).toMatchObject({ job: 'v1', destination: 'pacs' });
    queue.deliverUncommitted('pacs', Date.now() - 60_000);
    expect(waiting(queue)).toEqual([]);
    queue.deliverUncommitted('pacs', Date.now() + 60_000);
    expect(waiting(queue)).toEqual(['v1 pacs']);
    expect(queue.deliveryAsked('2.25.7')).toBeUndefined();
  });

  it('sends nothing again that is cleared', () => {
    const queue = open();
    add(queue, 1);
    finish(queue, 'v1');
    queue.cancel('v1');
    queue.setCleared('v1', 1);
    expect(queue.retry('v1')).toBe(false);
    expect(waiting(queue)).toEqual([]);
  });

  it('delivers the result of a refused exam that was cancelled and went well later', () => {
    const queue = open();
    add(queue, 1);
    queue.startJob('v1');
    queue.refuseJob('v1', 'no FLAIR', ['pacs', 'copy']);
    queue.delivered('v1', 'copy');
    queue.cancel('v1');
    expect(queue.retry('v1')).toBe(true);
    expect(waiting(queue)).toEqual([]);
    finish(queue, 'v1');
    expect(waiting(queue)).toEqual(['v1 copy', 'v1 pacs']);
  });

  it('gives results as those of whom they were made of, whoever the study is of since', () => {
    const queue = open();
    const study = (key: string, patient: string, date: string) => ({
      ...{ key, uid: key, patient, date, priority: 'routine' as const, fetched: 0 as const },
      ...{ name: null, birthDate: null, sex: null },
    });
    queue.putStudy(study('s', 'old', '20250101'));
    add(queue, 1);
    finish(queue, 'v1');
    const earlier = (patient: string) =>
      queue.earlierResults(study('later', patient, '20260101'), '20200101').map(({ id }) => id);
    expect([earlier('old'), earlier('new')]).toEqual([['v1'], []]);
    queue.putStudy(study('s', 'new', '20250101'));
    expect([earlier('old'), earlier('new')]).toEqual([['v1'], []]);
  });
});
