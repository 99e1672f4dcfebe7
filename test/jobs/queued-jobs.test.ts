import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Ledger, runQueuedJob } from '../../src/jobs/index.js';
import { writeQueuedJobs } from '../../src/jobs/queued-jobs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('a job in a file', () => {
  it('is a command of larger work and no other', async () => {
    const path = temporaryFolder();
    mkdirSync(path('records'));
    const job = { id: 'a', command: ['gateway', '--help'], reads: [], writes: path('x') };
    const jobs = [{ ...job, memoryBytes: 1 }];
    await writeQueuedJobs(path('jobs.json'), { jobs, records: path('records') });
    const refused = { code: 'file-corrupt' };
    await expect(runQueuedJob(path('jobs.json'), 0, 1)).rejects.toMatchObject(refused);
    await expect(runQueuedJob(path('jobs.json'), 7, 1)).rejects.toMatchObject(refused);
    writeFileSync(path('other.json'), '[]');
    await expect(runQueuedJob(path('other.json'), 0, 1)).rejects.toMatchObject(refused);
    expect(readdirSync(path('records'))).toEqual([]);
  });

  it('waits for what it reads, runs once, and leaves a record of why it failed', async () => {
    const path = temporaryFolder();
    const records = path('records');
    const common = { reads: [], memoryBytes: 1 };
    const jobs = [
      {
        ...common,
        id: 'a',
        command: ['plan', path('none'), '--out', path('a')],
        writes: path('a'),
      },
      { ...common, id: 'b', command: ['plan', path('a')], writes: path('b'), after: ['a'] },
    ];
    await writeQueuedJobs(path('jobs.json'), { jobs, records });
    await runQueuedJob(path('jobs.json'), 1, 1);
    await runQueuedJob(path('jobs.json'), 0, 1);
    await runQueuedJob(path('jobs.json'), 1, 1);
    const ledger = new Ledger(records);
    expect(await ledger.read('a')).toMatchObject({
      state: 'failed',
      failure: { code: 'file-not-found' },
    });
    expect(await ledger.read('b')).toBeUndefined();
  });

  it('says of a file that is not there that it is not', async () => {
    const path = temporaryFolder();
    const job = { id: 'a', command: ['segment', '--flair', path('none')], reads: [path('none')] };
    const jobs = [{ ...job, writes: path('a'), memoryBytes: 1 }];
    await writeQueuedJobs(path('jobs.json'), { jobs, records: path('records') });
    await runQueuedJob(path('jobs.json'), 0, 1);
    expect(await new Ledger(path('records')).read('a')).toMatchObject({
      state: 'failed',
      failure: { code: 'file-not-found' },
    });
  });
});
