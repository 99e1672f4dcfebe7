import { dirname, resolve } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { DawsonError } from '../errors.js';
import {
  type CohortColumn,
  type CohortRow,
  type DefinitionName,
  definitionNames,
  readCohort,
} from '../evaluate/index.js';
import { readShippedJson } from '../formats/index.js';
import { readJson } from '../formats/read-json.js';
import { type Dataset, readDataset } from '../train/dataset.js';
import type { LossName } from '../train/loss.js';
import type { OptimiserName } from '../train/optimiser.js';
import type { AugmentationName } from '../train/train-fold.js';

/** How every network of an experiment is trained, where a question says nothing else. */
export interface ExperimentTraining {
  readonly architecture: 'plain' | 'residual' | 'compact';
  readonly memoryGb: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly learningRate?: number;
  readonly loss: LossName;
  readonly optimiser: OptimiserName;
  readonly augmentation: AugmentationName;
  readonly seed: number;
  /** A model folder to start from, or `lesions`. */
  readonly init?: string;
}

/** What an experiment asks; schemas/experiment-1.schema.json describes each. */
export type Question =
  | { readonly kind: 'cross-validation'; readonly folds?: number; readonly stratify?: CohortColumn }
  | { readonly kind: 'leave-one-out'; readonly column: CohortColumn }
  | {
      readonly kind: 'subset';
      readonly fractions: readonly number[];
      readonly repeats: number;
      readonly stratify?: CohortColumn;
    }
  | { readonly kind: 'subset'; readonly column: CohortColumn; readonly value: string }
  | { readonly kind: 'channels'; readonly without: string }
  | { readonly kind: 'external'; readonly name: string; readonly dataset: string }
  | {
      readonly kind: 'compare';
      readonly name: string;
      readonly segmenter?: 'lesions' | 'lst-lga';
      readonly model?: string;
      readonly training?: Partial<ExperimentTraining>;
    };

/** The file as it was declared. */
export interface ExperimentFile {
  readonly name: string;
  readonly dataset: string;
  readonly cohort: string;
  readonly holdOut?: { readonly column: CohortColumn; readonly value: string } | readonly string[];
  readonly training: Partial<ExperimentTraining>;
  readonly prediction?: { readonly stepSize?: number };
  readonly definition?: string;
  readonly margin?: number;
  readonly questions: readonly Question[];
}

/** An experiment with all that it reads. */
export interface Experiment {
  readonly file: ExperimentFile;
  readonly training: ExperimentTraining;
  readonly definition: DefinitionName;
  readonly margin: number;
  readonly dataset: Dataset;
  /** Lines of the cohort table by case. */
  readonly rows: ReadonlyMap<string, CohortRow>;
  /** The training sets of the questions `external`, by their path in the file. */
  readonly external: ReadonlyMap<string, Dataset>;
  /** A path of the file, from where this process runs. */
  readonly place: (path: string) => string;
}

export const trainingDefaults = {
  architecture: 'plain',
  memoryGb: 8,
  loss: 'dice-and-cross-entropy',
  optimiser: 'sgd',
  augmentation: 'nnunet',
  seed: 1,
} as const;

/**
 * Reads an experiment and the description of all data sets that it names.
 * @throws DawsonError `bad-experiment`; what reading tables and data sets gives.
 */
export async function readExperiment(path: string): Promise<Experiment> {
  const value = await readJson(path);
  const schema = (await readShippedJson('schemas/experiment-1.schema.json')) as object;
  const validate = new Ajv2020({ allErrors: true }).compile(
    schema,
  ) as ValidateFunction<ExperimentFile>;
  if (!validate(value)) {
    throw badExperiment(path, problemsIn(validate.errors!));
  }
  const { definition = 'anima', margin = 0.05 } = value;
  if (!definitionNames.some((name) => name === definition)) {
    throw badExperiment(path, [`definition is ${definition}, not ${definitionNames.join(', ')}`]);
  }
  const place = (name: string) => resolve(dirname(path), name);
  const dataset = await readDataset(place(value.dataset));
  const { rows } = await readCohort(place(value.cohort));
  const external = new Map<string, Dataset>();
  for (const question of value.questions) {
    if (question.kind !== 'external') continue;
    external.set(question.dataset, await readDataset(place(question.dataset)));
  }
  return {
    file: value,
    training: { ...trainingDefaults, ...value.training } as ExperimentTraining,
    definition: definition as DefinitionName,
    margin,
    dataset,
    rows: new Map(rows.map((row) => [row.case, row])),
    external,
    place,
  };
}

/**
 * What is wrong with a file by its schema. A question fails in every form that it could have: of these
 * only those of its kind are told.
 */
function problemsIn(errors: readonly ErrorObject[]): string[] {
  const formOf = ({ instancePath, schemaPath }: ErrorObject) =>
    `${instancePath.split('/').slice(0, 3).join('/')} ${/oneOf\/\d+/.exec(schemaPath)?.[0]}`;
  const ofOtherKinds = new Set(errors.filter(({ keyword }) => keyword === 'const').map(formOf));
  const own = errors.filter(
    (error) => error.keyword !== 'oneOf' && !ofOtherKinds.has(formOf(error)),
  );
  const told = own.length > 0 ? own : errors;
  return [
    ...new Set(
      told.map(({ instancePath, message }) => `${instancePath || 'the document'} ${message}`),
    ),
  ];
}

/** A failure that lists everything that is wrong with an experiment, one a line. */
export const badExperiment = (file: string, problems: readonly string[]): DawsonError =>
  new DawsonError('bad-experiment', {
    file,
    expected: 'an experiment that can be run',
    found: problems.join('\n    '),
  });
