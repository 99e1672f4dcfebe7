import { DawsonError } from '../errors.js';
import type { CohortColumn, CohortRow } from '../evaluate/cohort-table.js';
import { seededRandom } from '../volume/random.js';
import { badDataset, type Dataset } from './dataset.js';

/** One exam of the training set and what it must not be separated from. */
export interface SplitCase {
  readonly name: string;
  /** All cases of a patient fall into the same fold. */
  readonly patient: string;
  /** What every fold shall hold its part of, such as the scanner; empty for no such thing. */
  readonly stratum: string;
}

/**
 * Cases of a dataset with the columns of a cohort file: patients from `patient` (each case its own
 * where that is empty), strata from the column named. Without rows, every case is its own patient.
 * @throws DawsonError `bad-dataset` listing all cases without a line, and lines without a case.
 */
export function splitCases(
  dataset: Pick<Dataset, 'folder' | 'cases'>,
  { rows, stratifyBy }: { rows?: readonly CohortRow[]; stratifyBy?: CohortColumn } = {},
): SplitCase[] {
  const rowOf = new Map(rows?.map((row) => [row.case, row]));
  const names = new Set(dataset.cases.map(({ name }) => name));
  const problems = [
    ...[...names].filter((name) => rows && !rowOf.has(name)).map((name) => `${name}: no line`),
    ...[...rowOf.keys()].filter((name) => !names.has(name)).map((name) => `${name}: no such case`),
  ];
  if (problems.length > 0) throw badDataset(dataset.folder, problems);
  return dataset.cases.map(({ name }) => {
    const row = rowOf.get(name);
    return {
      name,
      // A case without a patient must not meet a patient who is called like it.
      patient: row?.patient === undefined ? `case ${name}` : `patient ${row.patient}`,
      stratum: String((stratifyBy && row?.[stratifyBy]) ?? ''),
    };
  });
}

/** One fold, as in nnU-Net's `splits_final.json`. */
export interface Fold {
  readonly train: readonly string[];
  readonly val: readonly string[];
}

/**
 * Splits cases into folds by patient, with the strata spread over them: patients in seeded order,
 * those with most cases first, each into the fold that holds fewest cases of the patient's strata,
 * then fewest of all. Names within a fold are sorted.
 * @throws DawsonError `bad-dataset` where there are fewer patients than folds, so that one would be
 *   empty.
 */
export function splitIntoFolds(
  cases: readonly SplitCase[],
  { folds = 5, seed }: { folds?: number; seed: number },
): Fold[] {
  const patients = new Map<string, SplitCase[]>();
  for (const entry of cases.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    patients.set(entry.patient, [...(patients.get(entry.patient) ?? []), entry]);
  }
  if (patients.size < folds) {
    throw new DawsonError('bad-dataset', {
      expected: `at least one patient for each of ${folds} folds`,
      found: `${patients.size} patients: a fold would be empty`,
      advice: 'Add cases, or train on all of them (--fold all).',
    });
  }
  const random = seededRandom(seed);
  const order = [...patients.values()]
    .map((group) => ({ group, place: random.bits() }))
    .sort((a, b) => b.group.length - a.group.length || a.place - b.place);
  const held: SplitCase[][] = Array.from({ length: folds }, () => []);
  for (const [index, { group }] of order.entries()) {
    const strata = new Set(group.map(({ stratum }) => stratum));
    // As many patients as there are empty folds have to go there.
    const empty = held.filter((fold) => fold.length === 0);
    const open = empty.length === order.length - index ? empty : held;
    const cost = (fold: SplitCase[]) =>
      fold.filter(({ stratum }) => strata.has(stratum)).length * (cases.length + 1) + fold.length;
    const best = open.reduce((least, fold) => (cost(fold) < cost(least) ? fold : least));
    best.push(...group);
  }
  return held.map((fold) => {
    const val = fold.map(({ name }) => name).sort();
    const inFold = new Set(val);
    const train = cases.map(({ name }) => name).filter((name) => !inFold.has(name));
    return { train: train.sort(), val };
  });
}

/** `--fold K` has one digit. */
const mostFolds = 10;

/**
 * Folds that were given, as nnU-Net's `splits_final.json` has them.
 * @throws DawsonError `bad-dataset` for anything else, cases that the training set does not have, a
 *   case on both sides of a fold, and a patient on both sides.
 */
export function givenFolds(json: unknown, cases: readonly SplitCase[], file: string): Fold[] {
  const areNames = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((name) => typeof name === 'string');
  if (!Array.isArray(json) || json.length < 1 || json.length > mostFolds) {
    throw badDataset(file, [`it is no list of 1 to ${mostFolds} folds`]);
  }
  const patientOf = new Map(cases.map(({ name, patient }) => [name, patient]));
  const problems: string[] = [];
  const folds = json.map((entry, index): Fold => {
    const { train, val } = (entry ?? {}) as { train?: unknown; val?: unknown };
    if (!areNames(train) || !areNames(val) || train.length === 0) {
      throw badDataset(file, [`fold ${index}: no lists of cases as train and val`]);
    }
    const trainedOn = new Set(train.map((name) => patientOf.get(name)));
    for (const name of [...train, ...val]) {
      if (!patientOf.has(name)) problems.push(`fold ${index}: no case ${name}`);
    }
    for (const name of val) {
      if (patientOf.has(name) && trainedOn.has(patientOf.get(name))) {
        problems.push(`fold ${index}: ${name}, or its patient, is in train and in val`);
      }
    }
    return { train, val };
  });
  if (problems.length > 0) throw badDataset(file, problems);
  return folds;
}
