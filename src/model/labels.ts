import { DawsonError } from '../errors.js';

/** One output of a network. */
export interface NetworkOutput {
  readonly name: string;
  /** The labels whose voxels it finds: one, or those of a region. */
  readonly labels: readonly number[];
}

/** What the outputs of a network mean. */
export interface OutputLabels {
  readonly outputs: readonly NetworkOutput[];
  /**
   * `softmax`: each voxel has one label, output k is label k, and 0 is the background. `sigmoid`: each
   * output is a region for itself, and regions overlap.
   */
  readonly nonlinearity: 'softmax' | 'sigmoid';
  /**
   * The label of each output's voxels where they are regions, in the order of the outputs; a later one overwrites
   * an earlier one. Empty for softmax.
   */
  readonly regionLabels: readonly number[];
  /** The labels that are lesion. */
  readonly lesionLabels: readonly number[];
}

const mostLabels = 128;

/**
 * The outputs that a `dataset.json` of nnU-Net v2 describes. An ignore label was only there in
 * training: it is no output.
 * @param lesionLabels every label but the background where nothing is said
 * @throws DawsonError `bad-model` for labels that nnU-Net does not take, or lesions that are none of
 *   them.
 */
export function outputLabelsOf(
  dataset: unknown,
  lesionLabels: readonly number[] | undefined,
  file: string,
): OutputLabels {
  const { labels, regions_class_order: order } = (dataset ?? {}) as Record<string, unknown>;
  const fail = (expected: string, found: string): never => {
    throw new DawsonError('bad-model', {
      file,
      expected,
      found,
      advice: 'The labels are those of dataset.json; docs/models.md says which Dawson reads.',
    });
  };
  const named = namedLabels(labels, fail);
  const isRegion = ([, numbers]: readonly [string, readonly number[]]) => numbers.length > 1;
  const made = named.some(isRegion)
    ? regionsOf(named, order, fail)
    : ({ ...classesOf(named, fail), regionLabels: [] } as const);
  const found = foregroundLabels(made);
  const unknown = lesionLabels?.filter((label) => !found.includes(label)) ?? [];
  if (unknown.length > 0) {
    fail(`lesion labels out of ${found.join(', ')}`, unknown.join(', '));
  }
  return { ...made, lesionLabels: lesionLabels ?? found };
}

type Fail = (expected: string, found: string) => never;
type Named = readonly (readonly [string, readonly number[]])[];

/** Names and labels in the order of the file, without the ignore label. */
function namedLabels(labels: unknown, fail: Fail): Named {
  const isLabel = (value: unknown): value is number =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) < mostLabels;
  const entries = Object.entries((labels ?? {}) as Record<string, unknown>)
    .filter(([name]) => name !== 'ignore')
    .map(([name, value]) => {
      const numbers = Array.isArray(value) ? value : [value];
      if (numbers.length === 0 || !numbers.every(isLabel)) {
        fail('whole numbers from 0 as labels', `${JSON.stringify(value)} for ${name.slice(0, 80)}`);
      }
      return [name, numbers as number[]] as const;
    });
  if (entries.length < 2 || entries.length > mostLabels) {
    fail(`labels of 2 to ${mostLabels} classes`, `${entries.length}`);
  }
  return entries;
}

function classesOf(named: Named, fail: Fail): Pick<OutputLabels, 'outputs' | 'nonlinearity'> {
  const outputs = named
    .map(([name, labels]) => ({ name, labels }))
    .sort((a, b) => a.labels[0] - b.labels[0]);
  if (outputs.some(({ labels }, index) => labels[0] !== index)) {
    fail('labels that count up from 0', outputs.map(({ labels }) => labels[0]).join(', '));
  }
  return { outputs, nonlinearity: 'softmax' };
}

function regionsOf(named: Named, order: unknown, fail: Fail): Omit<OutputLabels, 'lesionLabels'> {
  const regions = named.filter(([, labels]) => labels.some((label) => label !== 0));
  // In JavaScript such keys come first, wherever they stand in the file.
  const numbered = regions.find(([name]) => /^\d+$/.test(name));
  if (numbered) fail('regions with names that are no numbers', numbered[0]);
  const isOrder =
    Array.isArray(order) && order.length === regions.length && order.every(Number.isInteger);
  if (!isOrder)
    fail(`regions_class_order with ${regions.length} labels`, JSON.stringify(order) ?? 'none');
  return {
    outputs: regions.map(([name, labels]) => ({ name, labels })),
    nonlinearity: 'sigmoid',
    regionLabels: order as number[],
  };
}

/** All labels but the background, in rising order. */
export const foregroundLabels = ({ outputs }: Pick<OutputLabels, 'outputs'>): number[] =>
  [...new Set(outputs.flatMap(({ labels }) => labels))]
    .filter((label) => label !== 0)
    .sort((a, b) => a - b);

/** Whether lesions are what is not background, and there is nothing else. */
export const hasOneClass = ({ outputs, nonlinearity }: OutputLabels): boolean =>
  nonlinearity === 'softmax' && outputs.length === 2;

/** The outputs of a network that tells classes apart, the background first; all others are lesion. */
export const classLabels = (names: readonly string[]): OutputLabels => ({
  outputs: names.map((name, label) => ({ name, labels: [label] })),
  nonlinearity: 'softmax',
  regionLabels: [],
  lesionLabels: names.slice(1).map((_, index) => index + 1),
});

/** Names of the labels; that of a region stands for the label that its voxels get. */
export const labelNames = (labels: OutputLabels): ReadonlyMap<number, string> =>
  new Map(
    labels.outputs.flatMap(({ name }, output) => {
      const label = labels.nonlinearity === 'softmax' ? output : labels.regionLabels[output];
      return label === 0 ? [] : [[label, name] as const];
    }),
  );
