import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import { definitions, type EvaluatedCase, evaluateCohort } from '../evaluate/index.js';
import { linkImage, makeFolder, writeWhole } from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { withLockedFolder } from '../formats/lock-folder.js';
import { readJsonIfThere } from '../formats/read-json.js';
import {
  argumentsOf,
  type Engine,
  examMemoryBytes,
  type Job,
  type JobRecord,
  jobRunIn,
  knownRecord,
  Ledger,
  localEngine,
  requireWorkFolder,
  runJobs,
  slotsFor,
  threadsEach,
} from '../jobs/index.js';
import { resultFiles } from '../quantify/result-folder.js';
import { type Run, type RunOptions, withRun } from '../run.js';
import { sequenceNames } from '../sequences.js';
import { readLog } from '../train/loop.js';
import { TrainingFolder } from '../train/training-folder.js';
import { badExperiment, type Experiment, readExperiment } from './experiment.js';
import {
  type ExperimentPaths,
  experimentJobs,
  experimentPaths,
  linkDataset,
  networkJobs,
  networksOf,
  predictionId,
  predictionJob,
  predictionsOf,
  sequenceOf,
} from './experiment-jobs.js';
import { idOf, type NetworkSpec, type Trial } from './network.js';
import { trialsOf } from './trials.js';

export interface ExperimentOptions {
  /** Commands at the same time; else as many as cores and memory allow. */
  readonly slots?: number;
  readonly engine?: Engine;
  readonly onJob?: (ended: { job: Job; record: JobRecord; known: boolean }) => void;
}

/** A trial and what came of it: the cases that could be judged. */
export interface JudgedTrial extends Trial {
  readonly judged: readonly EvaluatedCase[];
}

/** An experiment that has been run, as far as it could. */
export interface ExperimentResult {
  readonly experiment: Experiment;
  readonly trials: readonly JudgedTrial[];
  /** Commands that failed, and exams that could not be judged, each with the reason. */
  readonly failures: readonly string[];
  /** Results of an earlier version of the file that no longer count. */
  readonly outdated: readonly string[];
}

/** What an experiment takes, before it starts. */
export interface ExperimentPlan {
  readonly networks: number;
  readonly steps: number;
  readonly exams: number;
  /** Commands that are done already, of all. */
  readonly done: number;
  readonly commands: number;
  readonly secondsPerStep: number;
  readonly secondsPerExam: number;
  /** Time of all that is left. */
  readonly seconds: number;
  readonly secondsOfLongestNetwork: number;
  readonly bytes: number;
  readonly slots: number;
  readonly outdated: readonly string[];
}

/** An experiment read and laid out. */
interface Laid {
  readonly experiment: Experiment;
  readonly trials: readonly Trial[];
  readonly paths: ExperimentPaths;
  readonly jobs: readonly Job[];
  readonly slots: number;
}

async function lay(file: string, out: string, { slots: given }: ExperimentOptions): Promise<Laid> {
  const experiment = await readExperiment(file);
  const trials = trialsOf(experiment, file);
  const known = experiment.dataset.channelNames.map(sequenceOf);
  const foreign = known.filter((name) => !(sequenceNames as readonly string[]).includes(name));
  if (foreign.length > 0 || !known.includes('flair')) {
    throw badExperiment(file, [
      `the channels are ${experiment.dataset.channelNames.join(', ')}; exams have FLAIR, T2 and T1`,
    ]);
  }
  const paths = experimentPaths(out);
  const slots = given ?? slotsFor(examMemoryBytes);
  await requireWorkFolder(out, { file: paths.file, schema: 'dawson-experiment' }, 'an experiment');
  return {
    experiment,
    trials,
    paths,
    slots,
    jobs: experimentJobs(experiment, trials, paths),
  };
}

/**
 * Runs an experiment: trains each network that its questions need once, segments what each is judged
 * on, and evaluates. What is done, by the hash of what it reads, is not done again, so that it can be
 * stopped in any way and started again.
 * @throws DawsonError `bad-experiment`, `output-exists`; what reading its data gives.
 */
export function runExperiment(
  file: string,
  out: string,
  options: ExperimentOptions = {},
  run: RunOptions = {},
): Promise<ExperimentResult> {
  return withRun(run, async (run) => {
    const laid = await lay(file, out, options);
    return withLockedFolder(out, 'an experiment', () => runLaid(laid, options, run));
  });
}

async function runLaid(
  laid: Laid,
  options: ExperimentOptions,
  run: Run,
): Promise<ExperimentResult> {
  const { experiment, trials, paths, jobs, slots } = laid;
  const outdated = await outdatedOf(laid);
  await makeFolder(paths.work);
  await writeWhole(paths.file, jsonBytes(experiment.file));
  const threads = await keptThreads(paths, slots);
  for (const [id, network] of networksOf(trials)) {
    await linkDataset(
      datasetOf(experiment, network),
      network.cases,
      network.channels,
      paths.dataset(id),
    );
  }
  const records = await run.stage('commands', (onProgress) => {
    let ended = 0;
    return runJobs(jobs, {
      ...jobRunIn(paths.work, { ...options, slots, threads }, run.signal),
      onEnd: (job, record, known) => {
        onProgress(++ended, jobs.length);
        options.onJob?.({ job, record, known });
      },
    });
  });
  // Prepared cases are large, and quickly made again.
  await rm(paths.cache, { recursive: true, force: true });
  const failures = jobs.flatMap(({ id }) => {
    const record = records.get(id);
    return record?.state === 'done' ? [] : [`${id}: ${record?.failure?.reason}`];
  });
  const judged = await run.stage('evaluate', () => judge(laid, records, failures, run));
  return { experiment, trials: judged, failures, outdated };
}

/**
 * Threads of each command: as many as in the first run, since the last digits of weights depend on them
 * (docs/decisions/0161), and what is free of memory,
 * and so how many commands run at the same time, differs from day to day.
 */
async function keptThreads({ threads: file }: ExperimentPaths, slots: number): Promise<number> {
  const kept = await readJsonIfThere(file).catch(() => undefined);
  const { threads } = (kept ?? {}) as { threads?: unknown };
  if (Number.isInteger(threads) && Number(threads) >= 1) return Number(threads);
  const first = threadsEach(slots);
  await writeWhole(file, jsonBytes({ threads: first }));
  return first;
}

/** What an experiment that was run says now; nothing is trained. */
export function readExperimentResult(
  file: string,
  out: string,
  run: RunOptions = {},
): Promise<ExperimentResult> {
  return withRun(run, async (run) => {
    const laid = await lay(file, out, {});
    const ledger = new Ledger(laid.paths.work);
    const records = new Map<string, JobRecord>();
    const failures: string[] = [];
    for (const job of laid.jobs) {
      const record = await knownRecord(job, ledger);
      if (record?.state === 'done') records.set(job.id, record);
      else failures.push(`${job.id}: ${record?.failure?.reason ?? 'It was not run.'}`);
    }
    const trials = await run.stage('evaluate', () => judge(laid, records, failures, run));
    return { experiment: laid.experiment, trials, failures, outdated: await outdatedOf(laid) };
  });
}

/** Records of commands that the file, as it is now, does not ask for. */
async function outdatedOf({ paths, jobs }: Laid): Promise<string[]> {
  const names = await readdir(paths.work).catch(() => []);
  const asked = new Set(jobs.map(({ id }) => `${id}.json`));
  return names
    .filter((name) => name.endsWith('.json') && !asked.has(name))
    .map((name) => name.slice(0, -'.json'.length))
    .sort();
}

const datasetOf = (experiment: Experiment, { dataset }: NetworkSpec) =>
  experiment.external.get(dataset) ?? experiment.dataset;

/** Evaluates each system once on all of its exams, and gives each trial its part. */
async function judge(
  { experiment, trials, paths }: Laid,
  records: ReadonlyMap<string, JobRecord>,
  failures: string[],
  run: Run,
): Promise<JudgedTrial[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dawson-experiment-'));
  const ending = String(experiment.dataset.description.file_ending);
  const bySystem = new Map<string, Map<string, EvaluatedCase>>();
  try {
    for (const { system, name } of predictionsOf(trials)) {
      if (records.get(predictionId(system, name))?.state !== 'done') continue;
      const id = idOf(system);
      const [references, predictions] = [join(folder, id, 'r'), join(folder, id, 'p')];
      await makeFolder(references);
      await makeFolder(predictions);
      const entry = experiment.dataset.cases.find((own) => own.name === name)!;
      const found = join(paths.prediction(id, name), resultFiles.lesions.file);
      await linkImage(entry.labels, join(references, `${name}${ending}`));
      await linkImage(found, join(predictions, `${name}.nii.gz`));
      bySystem.set(id, new Map());
    }
    for (const [id, cases] of bySystem) {
      const source = { references: join(folder, id, 'r'), predictions: join(folder, id, 'p') };
      const names = await readdir(source.predictions);
      const rows = names.map((file) => experiment.rows.get(file.replace(/\.nii\.gz$/, ''))!);
      try {
        const definition = definitions[experiment.definition];
        const judged = await evaluateCohort({ ...source, rows }, { definition }, run);
        for (const one of judged) cases.set(one.id, one);
      } catch (error) {
        if (!(error instanceof DawsonError) || error.code === 'interrupted') throw error;
        failures.push(`evaluate ${id}: ${error.details.found}`);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return trials.map((trial) => {
    const own = bySystem.get(idOf(trial.system));
    return { ...trial, judged: trial.cases.flatMap((name) => own?.get(name) ?? []) };
  });
}

/** Steps and cases of the training by which time and room are measured. */
const measured = { steps: 2, cases: 2 };

/**
 * What an experiment takes, from a training of two steps on two of its cases and one exam segmented
 * with it, which are thrown away. Nothing is written to `out`.
 * @throws DawsonError as {@link runExperiment}, and what stops the measured training.
 */
export function checkExperiment(
  file: string,
  out: string,
  options: ExperimentOptions = {},
  run: RunOptions = {},
): Promise<ExperimentPlan> {
  return withRun(run, async (run) => {
    const laid = await lay(file, out, options);
    const { trials, paths, jobs, slots } = laid;
    const ledger = new Ledger(paths.work);
    const done = new Set<string>();
    for (const job of jobs) {
      if ((await knownRecord(job, ledger))?.state === 'done') done.add(job.id);
    }
    const networks = [...networksOf(trials)];
    const stepsOf = ({ training }: NetworkSpec) => training.epochs * training.stepsPerEpoch;
    const left = networks.filter(([id]) => !done.has(`train-${id}`));
    const exams = predictionsOf(trials);
    const examsLeft = exams.filter(({ system, name }) => !done.has(predictionId(system, name)));
    const cost =
      (await costOfDone(laid, done)) ??
      (await run.stage('measure', () => measure(laid, options, run)));
    const steps = (list: typeof networks) => list.reduce((sum, [, own]) => sum + stepsOf(own), 0);
    return {
      networks: networks.length,
      steps: steps(networks),
      exams: exams.length,
      done: done.size,
      commands: jobs.length,
      secondsPerStep: cost.secondsPerStep,
      secondsPerExam: cost.secondsPerExam,
      // Steps and cases were timed on all cores, which commands at the same time share.
      seconds:
        steps(left) * cost.secondsPerStep +
        left.reduce((sum, [, own]) => sum + own.cases.length, 0) * cost.secondsPerPlannedCase +
        preparedCases(left) * cost.secondsPerPreparedCase +
        (examsLeft.length * cost.secondsPerExam) / slots,
      secondsOfLongestNetwork:
        Math.max(...networks.map(([, own]) => stepsOf(own)), 0) * cost.secondsPerStep,
      bytes:
        exams.length * cost.bytesPerExam +
        preparedCases(networks) * cost.bytesPerCase +
        networks.length * cost.bytesPerNetwork,
      slots,
      outdated: await outdatedOf(laid),
    };
  });
}

/** Cases as these networks see them, each once: those of fewer channels are others. */
function preparedCases(networks: readonly (readonly [string, NetworkSpec])[]): number {
  const seen = networks.flatMap(([, { dataset, channels, cases }]) =>
    cases.map((name) => JSON.stringify([dataset, channels, name])),
  );
  return new Set(seen).size;
}

/** What one piece of an experiment takes on this machine. */
interface Cost {
  readonly secondsPerStep: number;
  readonly secondsPerPlannedCase: number;
  readonly secondsPerPreparedCase: number;
  readonly secondsPerExam: number;
  readonly bytesPerExam: number;
  readonly bytesPerCase: number;
  readonly bytesPerNetwork: number;
}

/** The cost of what is done of an experiment; nothing before it has trained and segmented. */
async function costOfDone(
  { trials, paths }: Laid,
  done: ReadonlySet<string>,
): Promise<Cost | undefined> {
  const network = [...networksOf(trials)].find(([id]) => done.has(`train-${id}`));
  const exam = predictionsOf(trials).find(({ system, name }) =>
    done.has(predictionId(system, name)),
  );
  if (!network || !exam) return undefined;
  const [id, { training, cases }] = network;
  const folder = new TrainingFolder(paths.training(id));
  const log = await readLog(folder.log('all'));
  if (log.length === 0) return undefined;
  const seconds = log.reduce((sum, epoch) => sum + epoch.seconds, 0) / log.length;
  const ledger = new Ledger(paths.work);
  const secondsOf = async (job: string) => (await ledger.read(job))?.seconds ?? 0;
  const images = await bytesIn(paths.dataset(id));
  const preparing = (await secondsOf(`train-${id}`)) - seconds * log.length;
  return {
    secondsPerStep: seconds / training.stepsPerEpoch,
    secondsPerPlannedCase: (await secondsOf(`plan-${id}`)) / cases.length,
    secondsPerPreparedCase: Math.max(0, preparing) / cases.length,
    secondsPerExam: await secondsOf(predictionId(exam.system, exam.name)),
    bytesPerExam: await bytesIn(paths.prediction(idOf(exam.system), exam.name)),
    // Prepared cases were removed; they are about as large as compressed images three times over.
    bytesPerCase: (3 * images) / cases.length,
    bytesPerNetwork: await bytesIn(folder.modelOfAll),
  };
}

async function measure(
  { experiment, trials }: Laid,
  { engine = localEngine }: ExperimentOptions,
  { signal }: Run,
): Promise<Cost> {
  const folder = await mkdtemp(join(tmpdir(), 'dawson-experiment-'));
  try {
    const paths = experimentPaths(folder);
    const [first] = networksOf(trials).values();
    const training = {
      ...experiment.training,
      ...first?.training,
      epochs: 1,
      stepsPerEpoch: measured.steps,
    };
    const all = first?.cases ?? experiment.dataset.cases.map(({ name }) => name);
    const cases = all.slice(0, measured.cases);
    const network: NetworkSpec = {
      dataset: first?.dataset ?? experiment.file.dataset,
      cases,
      channels: first?.channels ?? experiment.dataset.channelNames,
      training,
    };
    const system = { network };
    const id = idOf(system);
    await linkDataset(datasetOf(experiment, network), cases, network.channels, paths.dataset(id));
    const exam = predictionJob(system, experiment.dataset.cases[0].name, experiment, paths);
    const took: Record<string, number> = {};
    for (const job of [...networkJobs(id, network, experiment, paths), exam]) {
      const startMs = performance.now();
      const failure = await engine.run(argumentsOf(job, threadsEach(1)), signal);
      took[job.command[0]] = (performance.now() - startMs) / 1000;
      if (failure === undefined) continue;
      throw new DawsonError('training-failed', {
        expected: 'two steps on two cases, to measure them',
        found: failure.reason,
      });
    }
    const where = new TrainingFolder(paths.training(id));
    const [{ seconds }] = await readLog(where.log('all'));
    return {
      secondsPerStep: seconds / measured.steps,
      secondsPerPlannedCase: (took.plan ?? 0) / cases.length,
      secondsPerPreparedCase: Math.max(0, took.train - seconds) / cases.length,
      secondsPerExam: took.segment,
      bytesPerExam: await bytesIn(exam.writes),
      bytesPerCase: (await bytesIn(paths.cache)) / cases.length,
      bytesPerNetwork: await bytesIn(where.modelOfAll),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
