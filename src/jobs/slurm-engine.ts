import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DawsonError } from '../errors.js';
import { makeFolder, writeWhole } from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { readJsonIfThere } from '../formats/read-json.js';
import type { Engine, JobRun } from './engine.js';
import type { Job, JobRecord } from './job.js';
import { localEngine } from './local-engine.js';
import { writeQueuedJobs } from './queued-jobs.js';
import { knownRecord, recordOf, recordOfNeeding } from './run-jobs.js';

/** Slurm's own default for the number of tasks of an array, less one. */
const mostTasks = 1000;
/** Tasks at the same time where nobody says: how many there are nodes for is Slurm's matter. */
export const mostSlots = 1024;
/** How often a job is handed in that ended without a record: its node was taken away. */
const mostRounds = 3;
/** Between two looks at the queue. */
const pollMs = { first: 1000, longest: 15_000 };
const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));

/** What a partition is told an exam takes: as Slurm counts, memory in MiB and one core a thread. */
const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);

/**
 * Hands jobs to Slurm (`sbatch`): an array for all that may run at the same time, each array after those that
 * it reads from. Which task runs when and on which node is Slurm's matter; what each does, and what is known
 * of it afterwards, is as on one machine, by records in a folder that all nodes see. A program that is stopped
 * takes its tasks out of the queue; one that is killed leaves them there, and the next waits for them.
 * Partition, account and the like: the environment that sbatch reads, such as SBATCH_PARTITION.
 */
export const slurmEngine: Engine = {
  /** Single commands, to measure what others will take, run on this machine. */
  run: localEngine.run,
  runAll: runOnSlurm,
};

async function runOnSlurm(
  jobs: readonly Job[],
  run: JobRun,
): Promise<ReadonlyMap<string, JobRecord>> {
  const queue = await SlurmQueue.open(run);
  const records = new Map<string, JobRecord>();
  const end = (job: Job, record: JobRecord, known: boolean) => {
    records.set(job.id, record);
    run.onEnd?.(job, record, known);
  };
  const endNeeding = (job: Job): boolean => {
    const needed = (job.after ?? []).find((id) => records.get(id)?.state === 'failed');
    if (needed !== undefined) end(job, recordOfNeeding(job, needed), true);
    return needed !== undefined;
  };
  for (const job of inOrder(jobs)) {
    // What comes after a job that is to be done anew is done anew as well, if it has to be.
    if (!(job.after ?? []).every((id) => records.has(id)) || endNeeding(job)) continue;
    const known = await knownRecord(job, run.ledger);
    if (known) end(job, known, true);
  }
  for (let round = 0; round < mostRounds; round++) {
    const left = inOrder(jobs).filter(({ id }) => !records.has(id));
    if (left.length === 0) break;
    // A record that appears from now on is that of this run.
    if (round === 0) for (const { id } of left) await run.ledger.remove(id);
    await queue.submit(left);
    await queue.wait(async () => {
      for (const job of await endedOf(left, records, run)) {
        const record = await run.ledger.read(job.id);
        if (record) end(job, record, false);
      }
    });
    for (const job of left) if (!records.has(job.id)) endNeeding(job);
  }
  for (const job of inOrder(jobs).filter(({ id }) => !records.has(id))) {
    const reason = `Slurm ended it ${mostRounds} times without a result: a node was lost, or it took more than ${mebibytes(job.memoryBytes)} MiB.`;
    end(job, recordOf(job, '', 0, { code: 'internal', reason }), false);
  }
  return records;
}

/** Jobs whose records have appeared since. */
async function endedOf(
  left: readonly Job[],
  records: ReadonlyMap<string, JobRecord>,
  { ledger }: JobRun,
): Promise<Job[]> {
  const names = new Set(await readdir(ledger.folder).catch(() => []));
  return left.filter(({ id }) => names.has(`${id}.json`) && !records.has(id));
}

/** The number of jobs that have to end one after the other before each. */
function levelsOf(jobs: readonly Job[]): Map<string, number> {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const levels = new Map<string, number>();
  const levelOf = (id: string): number => {
    const known = levels.get(id);
    if (known !== undefined) return known;
    const before = (byId.get(id)?.after ?? []).filter((other) => byId.has(other));
    const level = before.length === 0 ? 0 : 1 + Math.max(...before.map(levelOf));
    levels.set(id, level);
    return level;
  };
  for (const { id } of jobs) levelOf(id);
  return levels;
}

/** Each job behind those that it reads from. */
function inOrder(jobs: readonly Job[]): Job[] {
  const levels = levelsOf(jobs);
  return [...jobs].sort((a, b) => levels.get(a.id)! - levels.get(b.id)!);
}

/** The arrays that were handed in for one folder of records, known to it by a file. */
class SlurmQueue {
  readonly #run: JobRun;
  readonly #folder: string;
  #ids: string[] = [];

  private constructor(run: JobRun) {
    this.#run = run;
    this.#folder = join(run.ledger.folder, 'slurm');
  }

  /** Waits for what an earlier program left in the queue. @throws DawsonError `missing-on-machine`. */
  static async open(run: JobRun): Promise<SlurmQueue> {
    const queue = new SlurmQueue(run);
    await makeFolder(queue.#folder);
    await slurm('sinfo', ['--version']);
    const earlier = await readJsonIfThere(queue.#submitted).catch(() => undefined);
    const ids = (earlier as { ids?: unknown } | undefined)?.ids;
    if (Array.isArray(ids)) queue.#ids = ids.filter((id) => /^\d+$/.test(String(id))).map(String);
    await queue.wait(async () => {});
    return queue;
  }

  /** Hands jobs in, each array after those of the level before. */
  async submit(jobs: readonly Job[]): Promise<void> {
    this.#ids = [];
    try {
      await this.#submitLevels(jobs);
    } catch (error) {
      // What is in the queue already would run for nobody.
      if (this.#ids.length > 0) await slurm('scancel', this.#ids).catch(() => {});
      throw error;
    }
  }

  async #submitLevels(jobs: readonly Job[]): Promise<void> {
    const levels = levelsOf(jobs);
    let before: string[] = [];
    for (let level = 0; level <= Math.max(...levels.values()); level++) {
      const own = jobs.filter(({ id }) => levels.get(id) === level);
      const ids: string[] = [];
      for (const memoryBytes of new Set(own.map((job) => job.memoryBytes))) {
        const alike = own.filter((job) => job.memoryBytes === memoryBytes);
        for (let first = 0; first < alike.length; first += mostTasks) {
          ids.push(await this.#submitArray(alike.slice(first, first + mostTasks), before));
        }
      }
      before = ids;
    }
  }

  async #submitArray(jobs: readonly Job[], before: readonly string[]): Promise<string> {
    const { ledger, slots, threads, signal } = this.#run;
    signal?.throwIfAborted();
    const file = join(this.#folder, `jobs-${Date.now()}-${this.#ids.length}.json`);
    await writeQueuedJobs(file, { jobs, records: ledger.folder });
    const script = `#!/bin/sh\nexec ${[process.execPath, program, 'job', file].map(quoted).join(' ')} "$SLURM_ARRAY_TASK_ID" --threads ${threads} --json\n`;
    const id = await slurm(
      'sbatch',
      [
        '--parsable',
        '--job-name=dawson',
        '--requeue',
        `--array=0-${jobs.length - 1}%${slots}`,
        `--cpus-per-task=${threads}`,
        `--mem=${mebibytes(jobs[0].memoryBytes)}M`,
        `--output=${join(this.#folder, 'task-%A_%a.log')}`,
        ...(before.length > 0 ? [`--dependency=afterany:${before.join(':')}`] : []),
      ],
      script,
    );
    // A federation appends the name of its cluster.
    this.#ids.push(id.trim().split(';')[0]);
    await writeWhole(this.#submitted, jsonBytes({ ids: this.#ids }));
    return this.#ids.at(-1)!;
  }

  /** Until no task is left; what was handed in is taken back where the signal says stop. */
  async wait(look: () => Promise<void>): Promise<void> {
    const { signal } = this.#run;
    let restMs = pollMs.first;
    try {
      while (this.#ids.length > 0 && (await isQueued(this.#ids))) {
        await look();
        await sleep(restMs, undefined, { signal });
        restMs = Math.min(1.5 * restMs, pollMs.longest);
      }
      signal?.throwIfAborted();
    } catch (error) {
      if (signal?.aborted) await slurm('scancel', this.#ids);
      throw error;
    }
    await look();
    await this.#account();
    this.#ids = [];
  }

  /** What Slurm knows of the tasks afterwards, where it keeps accounts. */
  async #account(): Promise<void> {
    if (this.#ids.length === 0) return;
    const format = 'JobID,State,ElapsedRaw,TotalCPU,MaxRSS,NodeList';
    const list = ['--parsable2', `--jobs=${this.#ids.join(',')}`, `--format=${format}`];
    const table = await slurm('sacct', list).catch(() => undefined);
    if (table === undefined) return;
    await writeWhole(join(this.#folder, `accounts-${this.#ids[0]}.txt`), Buffer.from(table));
  }

  get #submitted(): string {
    return join(this.#folder, 'submitted.json');
  }
}

/** Whether any of the arrays has tasks left; a controller that does not answer may still have them. */
async function isQueued(ids: readonly string[]): Promise<boolean> {
  try {
    const list = ['--noheader', `--jobs=${ids.join(',')}`, '--format=%i'];
    return (await slurm('squeue', list)).trim() !== '';
  } catch (error) {
    return !/Invalid job id/i.test(String((error as DawsonError).details?.found));
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Runs a command of Slurm's. @throws DawsonError `missing-on-machine`, `queue-failed`. */
function slurm(command: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { maxBuffer: 2 ** 26, timeout: 120_000 },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const isMissing = error.code === 'ENOENT';
        const found = isMissing ? 'none' : stderr.trim().slice(0, 500) || String(error.message);
        reject(
          new DawsonError(isMissing ? 'missing-on-machine' : 'queue-failed', {
            expected: `Slurm’s ${command}`,
            found,
          }),
        );
      },
    );
    child.stdin!.on('error', () => {});
    child.stdin!.end(input ?? '');
  });
}
