import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import {
  describeDerivatives,
  placeDerivatives,
  removeDerivativesOf,
} from './cohort/bids-derivatives.js';
import type { CohortExam } from './cohort/cohort-exam.js';
import { allLesionsTable, changeTable, cohortTable } from './cohort/cohort-files.js';
import {
  type CohortResult,
  type PersonChange,
  readChange,
  readCohortResults,
} from './cohort/cohort-result.js';
import { evaluateReferences } from './cohort/evaluate-references.js';
import { examsPage } from './cohort/exams-page.js';
import { findExams } from './cohort/find-exams.js';
import type { NamePatterns } from './cohort/sequence-names.js';
import { thumbnailPngInWorker } from './cohort/thumbnail.js';
import { DawsonError } from './errors.js';
import { makeFolder, writeWhole } from './formats/index.js';
import { withLockedFolder } from './formats/lock-folder.js';
import { readWholeFile } from './formats/open-file.js';
import {
  argumentsOf,
  type Engine,
  examMemoryBytes,
  type Job,
  type JobRecord,
  type JobRun,
  jobRunIn,
  knownRecord,
  Ledger,
  localEngine,
  requireWorkFolder,
  runJobs,
  slotsFor,
  threadsEach,
} from './jobs/index.js';
import { descriptionsOf } from './preprocess/exam-description.js';
import { type Run, type RunOptions, withRun } from './run.js';

export interface BatchOptions {
  /** Exams at the same time; else as many as cores and memory allow. */
  readonly slots?: number;
  /** How the files of exam folders are called. */
  readonly names?: NamePatterns;
  /** Arguments of `dawson segment` besides files and folders, such as `--no-report`. */
  readonly segment?: readonly string[];
  /** A model folder for `dawson segment`. */
  readonly model?: string;
  /** Where commands run; on this machine where nothing is said. */
  readonly engine?: Engine;
  /** Is told of each exam as it ends. */
  readonly onExam?: (ended: { name: string; record: JobRecord; known: boolean }) => void;
}

/** A batch that has ended. */
export interface Batch {
  readonly results: readonly CohortResult[];
  readonly changes: readonly PersonChange[];
  /** What was worked around after the exams were segmented. */
  readonly notes: readonly string[];
}

/** What a batch would do. */
export interface BatchPlan {
  readonly exams: readonly CohortExam[];
  /** Names of exams whose results are there already. */
  readonly done: readonly string[];
  /** Names of exams that failed in a way that would not change. */
  readonly failed: readonly string[];
  readonly left: readonly string[];
  /** Time of one exam, and of all that are left where they run on this machine. */
  readonly secondsEach?: number;
  readonly seconds?: number;
  readonly slots: number;
}

/** Name and version of the file by which the folder of a batch is known. */
const batchSchema = { schema: 'dawson-batch', schemaVersion: 1 } as const;

/**
 * Segments all exams of a cohort, a command each, and puts together one table, one page and BIDS
 * derivatives of all. Exams that are done, by the hash of their images, are not done again, so that
 * a batch can be stopped and started at any moment; one that fails stops no other.
 * @param input a BIDS data set, a folder of exam folders or DICOM files, or a table; never changed
 * @param out folder of the results, shared with earlier runs of the same batch
 * @throws DawsonError `usage`, `file-not-found`, `bad-table`, `output-exists`, `output-failed`.
 */
export function batch(
  input: string,
  out: string,
  options: BatchOptions = {},
  run: RunOptions = {},
): Promise<Batch> {
  return withRun(run, async (run) => {
    const exams = await examsFor(input, out, options, run);
    return withLockedFolder(out, 'a batch', async () => {
      const paths = pathsIn(out);
      await makeFolder(paths.work);
      await writeWhole(paths.marker, Buffer.from(`${JSON.stringify(batchSchema)}\n`));
      const jobRun = jobRunIn(paths.work, options, run.signal);
      const records = await segmentAll(exams, paths, jobRun, options, run);
      const results = await readCohortResults(exams, records, (exam) => paths.exam(exam.name));
      const changes = await changesOf(results, paths, jobRun, run);
      const notes = await collect(out, results, changes, records, paths, run);
      return { results, changes, notes };
    });
  });
}

/**
 * What {@link batch} would do, and how long it would take: by the exams that are done, else by one
 * that is segmented for its time alone. Nothing is written to `out`.
 */
export function planBatch(
  input: string,
  out: string,
  options: BatchOptions = {},
  run: RunOptions = {},
): Promise<BatchPlan> {
  return withRun(run, async (run) => {
    const exams = await examsFor(input, out, options, run);
    const paths = pathsIn(out);
    const slots = options.slots ?? slotsFor(examMemoryBytes);
    const jobs = await segmentJobs(exams, paths, options);
    const known = new Map<string, JobRecord>();
    for (const job of jobs) {
      const record = await knownRecord(job, new Ledger(paths.work));
      if (record) known.set(job.id, record);
    }
    const left = jobs.filter(({ id }) => !known.has(id));
    const done = [...known.values()].filter(({ state }) => state === 'done');
    const secondsEach =
      done.length > 0
        ? done.reduce((sum, { seconds }) => sum + seconds, 0) / done.length
        : await timed(left, threadsEach(slots), options, run);
    const rounds = Math.ceil(left.length / slots);
    const without = exams.filter(({ problem }) => problem !== undefined).map(({ name }) => name);
    return {
      exams,
      done: done.map(({ id }) => id),
      failed: [
        ...without,
        ...[...known.values()].filter(({ state }) => state === 'failed').map(({ id }) => id),
      ],
      left: left.map(({ id }) => id),
      ...(secondsEach !== undefined && { secondsEach }),
      // How many exams a cluster takes at a time nobody knows here.
      ...(secondsEach !== undefined &&
        !options.engine?.runAll && { seconds: rounds * secondsEach }),
      slots,
    };
  });
}

/** @throws DawsonError `output-exists` where results would lie among the DICOM files of an exam, and be read as such. */
async function examsFor(
  input: string,
  out: string,
  { names = {} }: BatchOptions,
  run: Run,
): Promise<CohortExam[]> {
  await requireBatchFolder(out);
  const exams = await findExams(input, names, run);
  const isWithin = (folder: string) =>
    `${resolve(out)}${sep}`.startsWith(`${resolve(folder)}${sep}`);
  if (!exams.some(({ images }) => images && 'dicom' in images && isWithin(images.dicom)))
    return exams;
  throw new DawsonError('output-exists', {
    file: out,
    expected: 'a folder that is not among the DICOM files of an exam',
    found: 'one within them',
  });
}

/** Seconds of the first exam that can be segmented; its result is thrown away. */
async function timed(
  jobs: readonly Job[],
  threads: number,
  { engine = localEngine }: BatchOptions,
  { stage, signal }: Run,
): Promise<number | undefined> {
  for (const job of jobs) {
    const folder = await mkdtemp(join(tmpdir(), 'dawson-batch-'));
    try {
      const command = argumentsOf(job, threads).map((part) =>
        part === job.writes ? join(folder, 'result') : part,
      );
      const startMs = performance.now();
      const failure = await stage(`time ${job.id}`, () => engine.run(command, signal));
      if (failure === undefined) return (performance.now() - startMs) / 1000;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return undefined;
}

interface BatchPaths {
  readonly out: string;
  readonly work: string;
  readonly marker: string;
  readonly thumbnails: string;
  exam(name: string): string;
  change(subject: string): string;
}

const pathsIn = (out: string): BatchPaths => ({
  out,
  work: join(out, 'work'),
  marker: join(out, 'work', 'batch.json'),
  thumbnails: join(out, 'work', 'thumbnails'),
  exam: (name) => join(out, 'exams', name),
  change: (subject) => join(out, 'change', `sub-${subject}`),
});

/** @throws DawsonError `output-exists` for a folder that holds anything but an earlier batch. */
const requireBatchFolder = (out: string): Promise<void> =>
  requireWorkFolder(
    out,
    { file: pathsIn(out).marker, schema: batchSchema.schema },
    'an earlier batch',
  );

/** A command for each exam that has images. */
async function segmentJobs(
  exams: readonly CohortExam[],
  paths: BatchPaths,
  { segment = [], model }: BatchOptions,
): Promise<Job[]> {
  const jobs = exams.map(async ({ name, subject, date, images }): Promise<Job[]> => {
    if (images === undefined) return [];
    const given =
      'dicom' in images
        ? [['--dicom', images.dicom], ...(images.study ? [['--study', images.study]] : [])]
        : [
            ['--flair', images.flair],
            ...(images.t2 ? [['--t2', images.t2]] : []),
            ...(images.t1 ? [['--t1', images.t1]] : []),
          ];
    const files =
      'dicom' in images
        ? [images.dicom]
        : [
            ...[images.flair, images.t2, images.t1],
            // What they say is in the tables, and decides the order of comparisons.
            ...(await descriptionsOf(images.flair)),
          ];
    const writes = paths.exam(name);
    return [
      {
        id: name,
        command: [
          'segment',
          ...given.flat(),
          '--out',
          writes,
          '--patient',
          `sub-${subject}`,
          ...(date === undefined ? [] : ['--date', date]),
          ...(model === undefined ? [] : ['--model', model]),
          ...segment,
        ],
        isThreaded: true,
        reads: [...files, model].filter((file) => file !== undefined),
        writes,
        memoryBytes: examMemoryBytes,
      },
    ];
  });
  return (await Promise.all(jobs)).flat();
}

async function segmentAll(
  exams: readonly CohortExam[],
  paths: BatchPaths,
  jobRun: JobRun,
  options: BatchOptions,
  { stage }: Run,
): Promise<ReadonlyMap<string, JobRecord>> {
  const jobs = await segmentJobs(exams, paths, options);
  let ended = 0;
  return stage('segment', (onProgress) =>
    runJobs(jobs, {
      ...jobRun,
      onEnd: ({ id }, record, known) => {
        onProgress(++ended, jobs.length);
        options.onExam?.({ name: id, record, known });
      },
    }),
  );
}

/** What changed of each person with two exams or more that are done. */
async function changesOf(
  results: readonly CohortResult[],
  paths: BatchPaths,
  jobRun: JobRun,
  { stage }: Run,
): Promise<PersonChange[]> {
  const persons = new Map<string, CohortResult[]>();
  for (const result of results) {
    if (result.findings === undefined) continue;
    const { subject } = result.exam;
    persons.set(subject, [...(persons.get(subject) ?? []), result]);
  }
  const several = [...persons].filter(([, own]) => own.length >= 2);
  if (several.length === 0) return [];
  const jobs = several.map(([subject, own]): Job => {
    const folders = own.map(({ folder }) => folder);
    return {
      id: `change-${subject}`,
      command: [
        'track',
        ...folders.flatMap((folder) => ['--exam', folder]),
        '--out',
        paths.change(subject),
      ],
      reads: folders,
      writes: paths.change(subject),
      memoryBytes: examMemoryBytes,
    };
  });
  const records = await stage('compare', (onProgress) => {
    let ended = 0;
    return runJobs(jobs, { ...jobRun, onEnd: () => onProgress(++ended, jobs.length) });
  });
  return Promise.all(
    several.map(async ([subject, own]): Promise<PersonChange> => {
      const record = records.get(`change-${subject}`);
      const exams = own.map(({ exam }) => exam.name);
      if (record?.state !== 'done') return { subject, exams, failure: record?.failure?.reason };
      return { subject, exams, document: await readChange(paths.change(subject)) };
    }),
  );
}

/** Writes what is made of all results together. */
async function collect(
  out: string,
  results: readonly CohortResult[],
  changes: readonly PersonChange[],
  records: ReadonlyMap<string, JobRecord>,
  paths: BatchPaths,
  run: Run,
): Promise<string[]> {
  return run.stage('collect', async (onProgress) => {
    const thumbnails = new Map<string, Uint8Array>();
    let placed = 0;
    for (const result of results) {
      await placeDerivatives(out, result);
      const { name } = result.exam;
      if (result.findings) {
        thumbnails.set(name, await thumbnailOf(result, records.get(name)!, paths, run));
      }
      onProgress(++placed, results.length);
      run.signal?.throwIfAborted();
    }
    await removeOutdated(results, changes, paths);
    await describeDerivatives(
      out,
      results.map(({ exam }) => exam.subject),
    );
    const write = (name: string, text: string) => writeWhole(join(out, name), Buffer.from(text));
    await write('cohort.csv', cohortTable(results));
    await write('lesions.csv', allLesionsTable(results));
    if (changes.length > 0) await write('change.csv', changeTable(changes));
    else await rm(join(out, 'change.csv'), { force: true });
    await write('index.html', examsPage(results, changes, thumbnails));
    return evaluateReferences(out, results, run);
  });
}

/** Removes what earlier runs made of exams and comparisons that there are no longer. */
async function removeOutdated(
  results: readonly CohortResult[],
  changes: readonly PersonChange[],
  paths: BatchPaths,
): Promise<void> {
  const ids = await new Ledger(paths.work).ids();
  const names = results.map(({ exam }) => exam.name);
  await removeDerivativesOf(paths.out, ids, names);
  const compared = new Set(
    changes.filter(({ document }) => document).map(({ subject }) => subject.toLowerCase()),
  );
  for (const id of ids) {
    const subject = /^change-(\w+)$/.exec(id)?.[1];
    if (subject === undefined || compared.has(subject.toLowerCase())) continue;
    await rm(paths.change(subject), { recursive: true, force: true });
  }
}

/** The small picture of a result, made once. */
async function thumbnailOf(
  { exam, folder }: CohortResult,
  { result }: JobRecord,
  { thumbnails }: BatchPaths,
  run: Run,
): Promise<Uint8Array> {
  const file = join(thumbnails, `${exam.name}-${result?.slice(0, 16)}.png`);
  const known = await readWholeFile(file, { mostBytes: 2 ** 24 }).catch(() => undefined);
  if (known) return known;
  const made = await thumbnailPngInWorker(run, folder);
  await makeFolder(thumbnails);
  await writeWhole(file, made);
  return made;
}
