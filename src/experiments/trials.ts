import type { CohortColumn } from '../evaluate/index.js';
import { splitCases, splitIntoFolds } from '../train/folds.js';
import { seededRandom } from '../volume/random.js';
import {
  badExperiment,
  type Experiment,
  type ExperimentTraining,
  type Question,
} from './experiment.js';
import type { NetworkSpec, Trial } from './network.js';

/** Folds where a cross-validation does not say how many. */
const usualFolds = 5;

/** The cases of an experiment, sorted into those that are trained on and those held out. */
interface Parts {
  readonly training: readonly string[];
  readonly heldOut: readonly string[];
}

/**
 * What an experiment has to train and to judge: one network of all training cases where cases are
 * held out, then what each question asks.
 * @throws DawsonError `bad-experiment` listing everything that stands in the way.
 */
export function trialsOf(experiment: Experiment, path: string): Trial[] {
  const problems: string[] = [];
  const parts = partsOf(experiment, problems);
  const all = networkOf(experiment, parts.training);
  const trials: Trial[] = [];
  if (parts.heldOut.length > 0 && parts.training.length > 0) {
    trials.push({ title: 'All training cases', system: { network: all }, cases: parts.heldOut });
  }
  const { questions } = experiment.file;
  for (const [number, question] of questions.entries()) {
    const found: string[] = [];
    if (questions.slice(0, number).some((before) => isPooledWith(before, question))) {
      found.push('there is one already, and the report puts them together: ask it elsewhere');
    }
    const own = answer(question, experiment, parts, found);
    trials.push(...own.map((trial) => ({ ...trial, question: number })));
    problems.push(...found.map((text) => `question ${number + 1} (${question.kind}): ${text}`));
  }
  if (problems.length > 0) throw badExperiment(path, problems);
  return trials;
}

/** Whether the report takes the trials of two questions for parts of one, and would count cases twice. */
function isPooledWith(one: Question, other: Question): boolean {
  if (one.kind === 'leave-one-out' && other.kind === 'leave-one-out') {
    return one.column === other.column;
  }
  return (
    (one.kind === 'cross-validation' && other.kind === 'cross-validation') ||
    ('fractions' in one && 'fractions' in other)
  );
}

function partsOf({ dataset, rows, file }: Experiment, problems: string[]): Parts {
  const names = dataset.cases.map(({ name }) => name);
  for (const name of names)
    if (!rows.has(name)) problems.push(`${name}: no line in the cohort table`);
  const { holdOut = [] } = file;
  const isHeldOut =
    'column' in holdOut
      ? (name: string) => String(rows.get(name)?.[holdOut.column] ?? '') === holdOut.value
      : (name: string) => holdOut.includes(name);
  if (!('column' in holdOut)) {
    for (const name of holdOut)
      if (!names.includes(name)) problems.push(`holdOut: no case ${name}`);
  }
  const heldOut = names.filter(isHeldOut).sort();
  const training = names.filter((name) => !isHeldOut(name)).sort();
  if ('column' in holdOut && heldOut.length === 0) {
    problems.push(`holdOut: no case has ${holdOut.column} ${holdOut.value}`);
  }
  const patients = new Map(heldOut.map((name) => [patientOf(rows, name), name]));
  for (const name of training) {
    const other = patients.get(patientOf(rows, name));
    if (other !== undefined) {
      problems.push(`${name}: of the same person as ${other}, which is held out`);
    }
  }
  return { training, heldOut };
}

const patientOf = (rows: Experiment['rows'], name: string): string => {
  const patient = rows.get(name)?.patient;
  return patient === undefined ? `case ${name}` : `patient ${patient}`;
};

function networkOf(
  { file, dataset, training }: Experiment,
  cases: readonly string[],
  change: { channels?: readonly string[]; training?: Partial<ExperimentTraining> } = {},
): NetworkSpec {
  return {
    dataset: file.dataset,
    cases: [...cases].sort(),
    channels: change.channels ?? dataset.channelNames,
    training: { ...training, ...change.training },
  };
}

/** Cases by the value of a column; problems for those that have none. */
function byValue(
  { rows }: Experiment,
  names: readonly string[],
  column: CohortColumn,
  problems: string[],
): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  const without: string[] = [];
  for (const name of names) {
    const value = rows.get(name)?.[column];
    if (value === undefined) without.push(name);
    else groups.set(String(value), [...(groups.get(String(value)) ?? []), name]);
  }
  if (without.length > 0) problems.push(`no ${column} for ${without.join(', ')}`);
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function answer(
  question: Question,
  experiment: Experiment,
  parts: Parts,
  problems: string[],
): Trial[] {
  const { heldOut, training } = parts;
  const needsHoldOut = !['cross-validation', 'leave-one-out'].includes(question.kind);
  if (needsHoldOut && heldOut.length === 0) {
    problems.push('it needs cases that are held out (holdOut)');
    return [];
  }
  switch (question.kind) {
    case 'cross-validation':
      return crossValidation(question, experiment, training, problems);
    case 'leave-one-out':
      return leaveOneOut(question.column, experiment, parts, problems);
    case 'subset':
      return 'fractions' in question
        ? fractions(question, experiment, parts, problems)
        : oneValue(question, experiment, parts, problems);
    case 'channels':
      return withoutChannel(question.without, experiment, parts, problems);
    case 'external':
      return external(question, experiment, parts);
    case 'compare':
      return compare(question, experiment, parts);
  }
}

function crossValidation(
  { folds = usualFolds, stratify }: Extract<Question, { kind: 'cross-validation' }>,
  experiment: Experiment,
  training: readonly string[],
  problems: string[],
): Trial[] {
  if (stratify) byValue(experiment, training, stratify, problems);
  const { dataset, rows } = experiment;
  const own = {
    folder: dataset.folder,
    cases: dataset.cases.filter(({ name }) => training.includes(name)),
  };
  const lines = training.flatMap((name) => rows.get(name) ?? []);
  if (lines.length < training.length) return [];
  const patients = new Set(training.map((name) => patientOf(rows, name)));
  if (patients.size < folds) {
    problems.push(`${folds} folds need ${folds} persons; there are ${patients.size}`);
    return [];
  }
  const cases = splitCases(own, { rows: lines, stratifyBy: stratify });
  return splitIntoFolds(cases, { folds, seed: experiment.training.seed }).map(
    ({ train, val }, fold) => ({
      title: `Fold ${fold + 1} of ${folds}`,
      system: { network: networkOf(experiment, train) },
      cases: val,
      value: String(fold + 1),
    }),
  );
}

/** A network for each value that saw none of it, judged on all cases with it. */
function leaveOneOut(
  column: CohortColumn,
  experiment: Experiment,
  { training, heldOut }: Parts,
  problems: string[],
): Trial[] {
  const groups = byValue(experiment, [...training, ...heldOut], column, problems);
  if (groups.size < 2) {
    problems.push(`${column} has the same value in all cases`);
    return [];
  }
  return [...groups].map(([value, cases]) => {
    const patients = new Set(cases.map((name) => patientOf(experiment.rows, name)));
    const rest = training.filter((name) => !patients.has(patientOf(experiment.rows, name)));
    if (rest.length === 0) problems.push(`without ${value} nothing is left to train on`);
    return {
      title: `Without ${value}`,
      system: { network: networkOf(experiment, rest) },
      cases: [...cases].sort(),
      value,
    };
  });
}

/**
 * Networks of a part of the persons, the same part of each stratum. The samples of one repeat lie in
 * each other, so that what differs between two fractions is the persons that come to it.
 */
function fractions(
  { fractions, repeats, stratify }: Extract<Question, { fractions: unknown }>,
  experiment: Experiment,
  { training, heldOut }: Parts,
  problems: string[],
): Trial[] {
  const strata = stratify
    ? byValue(experiment, training, stratify, problems)
    : new Map([['', [...training]]]);
  const persons = [...strata].map(([value, names]) => {
    const patients = [...new Set(names.map((name) => patientOf(experiment.rows, name)))].sort();
    if (patients.length < 2) {
      problems.push(
        `${stratify ?? 'the training set'} ${value} has one person: no part of it can be taken`,
      );
    }
    return patients;
  });
  const trials: Trial[] = [];
  for (let repeat = 1; repeat <= repeats; repeat++) {
    const random = seededRandom(1000 * experiment.training.seed + repeat);
    const orders = persons.map((patients) =>
      patients
        .map((patient) => ({ patient, place: random.bits() }))
        .sort((a, b) => a.place - b.place)
        .map(({ patient }) => patient),
    );
    for (const fraction of [...fractions].sort((a, b) => a - b)) {
      const taken = new Set(
        orders.flatMap((order) => order.slice(0, Math.max(1, Math.round(fraction * order.length)))),
      );
      const cases = training.filter((name) => taken.has(patientOf(experiment.rows, name)));
      trials.push({
        title: `${Number((100 * fraction).toFixed(1))} %, sample ${repeat}`,
        system: { network: networkOf(experiment, cases) },
        cases: heldOut,
        fraction,
        repeat,
      });
    }
  }
  return trials;
}

function oneValue(
  { column, value }: Extract<Question, { value: string }>,
  experiment: Experiment,
  { training, heldOut }: Parts,
  problems: string[],
): Trial[] {
  const own = byValue(experiment, training, column, problems).get(value) ?? [];
  if (own.length === 0) problems.push(`no training case has ${column} ${value}`);
  const network = networkOf(experiment, own);
  return [{ title: `Only ${value}`, system: { network }, cases: heldOut, value }];
}

function withoutChannel(
  without: string,
  experiment: Experiment,
  { training, heldOut }: Parts,
  problems: string[],
): Trial[] {
  const { dataset } = experiment;
  const at = dataset.channelNames.indexOf(without);
  if (at < 0) problems.push(`no channel ${without}; there are ${dataset.channelNames.join(', ')}`);
  const own = dataset.cases.filter(({ name }) => training.includes(name));
  const having = own.filter(({ images }) => images[at] !== undefined).length;
  if (at >= 0 && 2 * having <= own.length) {
    problems.push(`${own.length - having} of ${own.length} training cases lack ${without} already`);
  }
  const channels = dataset.channelNames.filter((name) => name !== without);
  if (channels.length === 0) problems.push(`${without} is the only channel`);
  const network = networkOf(experiment, training, { channels });
  return [{ title: `Without ${without}`, system: { network }, cases: heldOut }];
}

function external(
  { name, dataset }: Extract<Question, { kind: 'external' }>,
  experiment: Experiment,
  { heldOut }: Parts,
): Trial[] {
  const other = experiment.external.get(dataset)!;
  const network: NetworkSpec = {
    dataset,
    cases: other.cases.map((entry) => entry.name).sort(),
    channels: other.channelNames,
    training: experiment.training,
  };
  return [{ title: name, system: { network }, cases: heldOut }];
}

function compare(
  { name, segmenter, model, training }: Extract<Question, { kind: 'compare' }>,
  experiment: Experiment,
  parts: Parts,
): Trial[] {
  const cases = parts.heldOut;
  if (segmenter !== undefined) return [{ title: name, system: { segmenter }, cases }];
  if (model !== undefined) return [{ title: name, system: { model }, cases }];
  const network = networkOf(experiment, parts.training, { training });
  return [{ title: name, system: { network }, cases }];
}
