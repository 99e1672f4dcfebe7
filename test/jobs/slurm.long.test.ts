import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeNifti } from '../../src/formats/index.js';
import { type Job, Ledger, localEngine, runJobs, slurmEngine } from '../../src/jobs/index.js';
import { makePhantom, someLesions } from '../segment/phantom.js';
import { dawson, temporaryFolder } from '../support/dawson.js';
import { type Cluster, startSlurm, withoutSlurm } from '../support/slurm.js';
import { writeThresholdModel } from '../support/threshold-model.js';

if (withoutSlurm) console.warn(`skipped: ${withoutSlurm}`);

const folder = temporaryFolder();
const path = (...names: string[]) => join(folder, ...names);
const memoryBytes = 2 ** 31;
let model: string;

/** Two exams segmented, and compared after both. */
function jobsInto(out: string): Job[] {
  const flair = path('flair.nii.gz');
  const exam = (id: string, date: string): Job => ({
    id,
    command: [
      ...['segment', '--flair', flair, '--model', model, '--brain-extracted', '--registered'],
      ...['--no-report', '--ignore-quality', '--date', date, '--out', join(out, id)],
    ],
    isThreaded: true,
    reads: [flair, model],
    writes: join(out, id),
    memoryBytes,
  });
  const [first, second] = [exam('first', '2020-01-01'), exam('second', '2021-01-01')];
  const both = [first.writes, second.writes];
  return [
    {
      id: 'change',
      command: ['track', ...both.flatMap((one) => ['--exam', one]), '--out', join(out, 'change')],
      reads: both,
      writes: join(out, 'change'),
      after: ['first', 'second'],
      memoryBytes,
    },
    first,
    second,
  ];
}

const run = (engine: typeof localEngine, out: string, rest = {}) =>
  runJobs(jobsInto(out), {
    ...{ engine, ledger: new Ledger(join(out, 'work')), slots: 2, threads: 1 },
    ...{ memoryBytes: 8 * 2 ** 30, ...rest },
  });

beforeAll(async () => {
  await writeNifti(path('flair.nii.gz'), makePhantom({ lesions: someLesions }).exam.flair);
  model = await writeThresholdModel(path, { channels: ['FLAIR'], optional: [] });
});

describe.skipIf(withoutSlurm)('slurmEngine', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startSlurm();
  });
  afterAll(() => cluster?.stop());

  it('gives the bytes of this machine, knows what is done, and runs what failed no second time', async () => {
    const here = await run(localEngine, path('here'));
    const told: string[] = [];
    const onEnd = ({ id }: Job) => told.push(id);
    const there = await run(slurmEngine, path('there'), { onEnd });
    expect([...there.values()].map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    expect(told.at(-1)).toBe('change');
    for (const id of ['first', 'second']) {
      const mask = (out: string) => readFileSync(path(out, id, 'lesions.nii.gz'));
      expect(mask('there').equals(mask('here'))).toBe(true);
    }
    expect(here.get('first')!.key).toBe(there.get('first')!.key);
    expect(existsSync(path('there', 'change', 'change.json'))).toBe(true);

    const known: boolean[] = [];
    await run(slurmEngine, path('there'), {
      onEnd: (_job: Job, _record: unknown, isKnown: boolean) => known.push(isKnown),
    });
    expect(known).toEqual([true, true, true]);
  });

  it('says why a command failed, and that what needs it cannot run', async () => {
    const [change, first, second] = jobsInto(path('bad'));
    const bad = {
      ...first,
      command: first.command.map((one) => (one === model ? path('no') : one)),
    };
    const records = await runJobs([change, bad, second], {
      ...{ engine: slurmEngine, ledger: new Ledger(path('bad', 'work')), slots: 2, threads: 1 },
      memoryBytes,
    });
    expect(records.get('first')!.failure!.code).toBe('file-not-found');
    expect(records.get('second')!.state).toBe('done');
    expect(records.get('change')!.failure!.code).toBe('needs');
  });

  it('takes its tasks out of the queue where it is stopped', async () => {
    const stopping = new AbortController();
    const started = run(slurmEngine, path('stopped'), { signal: stopping.signal });
    const ended = expect(started).rejects.toThrow();
    while (!existsSync(path('stopped', 'work', 'slurm', 'submitted.json'))) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    stopping.abort();
    await ended;
    const { spawnSync } = await import('node:child_process');
    const left = () => spawnSync('squeue', ['-h'], { encoding: 'utf8' }).stdout.trim();
    for (let tries = 0; tries < 50 && left() !== ''; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(left()).toBe('');
    const again = await run(slurmEngine, path('stopped'));
    expect([...again.values()].every(({ state }) => state === 'done')).toBe(true);
  });

  it('segments twenty exams and runs an experiment as this machine does, though a node is lost', async () => {
    const { exam } = makePhantom({ lesions: someLesions });
    for (let at = 0; at < 20; at++) {
      const name = `P${String(at).padStart(2, '0')}`;
      mkdirSync(path('exams', name), { recursive: true });
      const data = exam.flair.data.map((value) => value * (1 + at / 50));
      await writeNifti(path('exams', name, 'flair.nii.gz'), { ...exam.flair, data });
    }
    const flags = ['--model', model, '--brain-extracted', '--registered', '--no-report', '--json'];
    const batch = (engine: string) =>
      dawson([
        ...['batch', path('exams'), '--out', path(engine), '--engine', engine, ...flags],
        '--ignore-quality',
      ]);
    expect((await batch('local')).exitCode).toBe(0);
    const there = batch('slurm');
    await until(() => segmented(path('slurm')) >= 3);
    cluster.lose('n2');
    await until(() => segmented(path('slurm')) >= 8);
    cluster.give('n2');
    const { exitCode, stdout } = await there;
    expect([exitCode, JSON.parse(stdout).done]).toEqual([0, 20]);
    // Seconds differ from run to run.
    expect(readFileSync(path('slurm', 'lesions.csv'))).toEqual(
      readFileSync(path('local', 'lesions.csv')),
    );
    for (const name of readdirSync(path('local', 'masks'))) {
      const mask = (engine: string) => readFileSync(path(engine, 'masks', name));
      expect(mask('slurm').equals(mask('local'))).toBe(true);
    }
    await writeTrainingSet();
    const experiment = (engine: string) =>
      dawson([
        ...['experiment', 'run', path('experiment.json'), '--engine', engine],
        ...['--out', path(`experiment-${engine}`), '--json'],
      ]);
    for (const engine of ['local', 'slurm']) {
      const { exitCode, stdout } = await experiment(engine);
      expect([exitCode, JSON.parse(stdout).failures]).toEqual([0, []]);
    }
    const report = (engine: string) =>
      readFileSync(path(`experiment-${engine}`, 'report', 'report.html'), 'utf8');
    expect(report('slurm')).toBe(report('local'));
  });
});

/** Exams of a batch that are done. */
const segmented = (out: string): number =>
  existsSync(join(out, 'exams')) ? readdirSync(join(out, 'exams')).length : 0;

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 200));
}

/** Six cases of two scanners, and the question whether a network knows the other one. */
async function writeTrainingSet(): Promise<void> {
  for (const part of ['imagesTr', 'labelsTr']) mkdirSync(path('set', part), { recursive: true });
  const { exam, lesions } = makePhantom({ lesions: someLesions });
  for (let at = 0; at < 6; at++) {
    await writeNifti(path('set', 'imagesTr', `c${at}_0000.nii.gz`), exam.flair);
    await writeNifti(path('set', 'labelsTr', `c${at}.nii.gz`), lesions);
  }
  const description = { channel_names: { 0: 'FLAIR' }, labels: { background: 0, lesion: 1 } };
  const rows = Array.from({ length: 6 }, (_, at) => `c${at},p${at},${'AB'[at % 2]}`);
  writeFileSync(
    path('set', 'dataset.json'),
    JSON.stringify({ ...description, file_ending: '.nii.gz' }),
  );
  writeFileSync(path('set', 'cohort.csv'), ['case,patient,scanner', ...rows].join('\n'));
  writeFileSync(
    path('experiment.json'),
    JSON.stringify({
      schema: 'dawson-experiment',
      schemaVersion: 1,
      name: 'Phantoms',
      dataset: 'set',
      cohort: 'set/cohort.csv',
      holdOut: ['c4', 'c5'],
      training: { memoryGb: 0.3, epochs: 1, stepsPerEpoch: 1, augmentation: 'none' },
      questions: [{ kind: 'leave-one-out', column: 'scanner' }],
    }),
  );
}
