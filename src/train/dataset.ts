import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { counted } from '../counted.js';
import { DawsonError, listed } from '../errors.js';
import { imageEndings } from '../formats/index.js';
import { readJson } from '../formats/read-json.js';

/** One case of a training set: a file a channel, and its labels. */
export interface DatasetCase {
  readonly name: string;
  /** In the order of the channels; `undefined` where an optional channel is missing. */
  readonly images: readonly (string | undefined)[];
  readonly labels: string;
  /** Labels that the first network of a cascade found, for its second. */
  readonly previous?: string;
}

/** A dataset folder in nnU-Net v2's convention. */
export interface Dataset {
  readonly folder: string;
  readonly channelNames: readonly string[];
  /** Channels that a case may lack; the network sees 0 in their place. */
  readonly optionalChannels: readonly string[];
  /** Names of the classes; the index is the label, 0 the background. */
  readonly classNames: readonly string[];
  /** In the order of their names. */
  readonly cases: readonly DatasetCase[];
  /** `dataset.json` as it was read, for the model folder. */
  readonly description: Readonly<Record<string, unknown>>;
}

/** Labels are kept in one signed byte; nnU-Net's networks take four digits of channels. */
const mostClasses = 128;
const mostChannels = 16;

/**
 * Reads the description of a training set and finds its files: `dataset.json`, images in `imagesTr`
 * (`CASE_0000.nii.gz`, one a channel), labels in `labelsTr` (`CASE.nii.gz`). The images are not
 * opened. An entry `optional_channels` of `dataset.json`, which nnU-Net does not know, lists names of
 * channels that a case may lack.
 * @throws DawsonError `bad-dataset` with the complete list of what is wrong.
 */
export async function readDataset(folder: string): Promise<Dataset> {
  const file = join(folder, 'dataset.json');
  const json = await readJson(file);
  const problems: string[] = [];
  const description = record(json);
  if (!description) {
    throw badDataset(file, ['it is no object']);
  }
  const channelNames = channelsOf(description, problems);
  const classNames = classesOf(description, problems);
  const optionalChannels = optionalOf(description, channelNames, problems);
  const ending = String(description.file_ending ?? '');
  if (!imageEndings.some((known) => known === ending)) {
    problems.push(`file_ending is ${quoted(ending)}, not one of ${imageEndings.join(', ')}`);
  }
  if (description.dataset !== undefined) {
    problems.push('dataset lists files: Dawson reads imagesTr and labelsTr only');
  }
  if (problems.length > 0) throw badDataset(file, problems);

  const isOptional = channelNames.map((name) => optionalChannels.includes(name));
  const cases = await findCases(folder, ending, isOptional, problems);
  const { numTraining } = description;
  if (numTraining !== undefined && numTraining !== cases.length) {
    problems.push(`numTraining is ${quoted(numTraining)}, but there are ${cases.length} cases`);
  }
  if (cases.length === 0) problems.push('there are no cases');
  if (problems.length > 0) throw badDataset(folder, problems);
  return { folder, channelNames, optionalChannels, classNames, cases, description };
}

/**
 * A training set for the second network of a cascade: with the labels that the first one found in each
 * case, `CASE.nii.gz` in a folder, as `dawson predict` writes them. The files are not looked at: what is
 * wrong with them, or that they are missing, is said with what is wrong with the cases.
 */
export const withPreviousStage = (dataset: Dataset, folder: string): Dataset => ({
  ...dataset,
  cases: dataset.cases.map((entry) => ({
    ...entry,
    previous: join(folder, `${entry.name}.nii.gz`),
  })),
});

/** A failure that lists what is wrong with a dataset, one a line: the first twenty, and a count. */
export function badDataset(file: string, problems: readonly string[]): DawsonError {
  return new DawsonError('bad-dataset', {
    file,
    expected: "a dataset in nnU-Net's convention",
    found: `${counted(problems.length, 'problem')}:\n    ${listed(problems, '\n    ')}`,
  });
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : undefined;
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** `{"0": "FLAIR", "1": "T1"}`: names by consecutive numbers. */
function channelsOf(description: Readonly<Record<string, unknown>>, problems: string[]): string[] {
  const channels = record(description.channel_names);
  const names = Object.keys(channels ?? {}).map((_, index) => channels?.[String(index)]);
  if (
    names.length === 0 ||
    names.length > mostChannels ||
    !names.every((name): name is string => typeof name === 'string' && name !== '')
  ) {
    problems.push(
      `channel_names is ${quoted(description.channel_names)}, not names by "0", "1", … (at most ${mostChannels})`,
    );
    return [];
  }
  return names as string[];
}

/** `{"background": 0, "lesion": 1}`: consecutive numbers by names. */
function classesOf(description: Readonly<Record<string, unknown>>, problems: string[]): string[] {
  const labels = record(description.labels);
  const names: string[] = [];
  for (const [name, label] of Object.entries(labels ?? {})) {
    if (Array.isArray(label)) {
      problems.push(
        `labels: ${quoted(name)} is a region of several labels, which is not supported`,
      );
      return [];
    }
    if (name === 'ignore') {
      problems.push('labels: an ignore label is not supported');
      return [];
    }
    if (typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < mostClasses) {
      names[label] = name;
    }
  }
  const count = Object.keys(labels ?? {}).length;
  if (
    count < 2 ||
    names.length !== count ||
    names[0] !== 'background' ||
    names.includes(undefined!)
  ) {
    problems.push(
      `labels is ${quoted(description.labels)}, not "background": 0 and further names for 1, 2, …`,
    );
    return [];
  }
  return names;
}

function optionalOf(
  description: Readonly<Record<string, unknown>>,
  channelNames: readonly string[],
  problems: string[],
): string[] {
  const optional = description.optional_channels ?? [];
  if (!Array.isArray(optional) || !optional.every((name) => channelNames.includes(name))) {
    problems.push(
      `optional_channels is ${quoted(optional)}, not a list of names out of channel_names`,
    );
    return [];
  }
  if (new Set(optional).size === channelNames.length && channelNames.length > 0) {
    problems.push('optional_channels names all channels: one has to be there in every case');
  }
  return optional;
}

async function findCases(
  folder: string,
  ending: string,
  isOptional: readonly boolean[],
  problems: string[],
): Promise<DatasetCase[]> {
  const imageNames = new Set(await namesIn(join(folder, 'imagesTr'), ending));
  const labelNames = await namesIn(join(folder, 'labelsTr'), ending);
  const used = new Set<string>();
  const cases: DatasetCase[] = [];
  for (const labelName of labelNames) {
    const name = labelName.slice(0, -ending.length);
    const images = isOptional.map((optional, channel) => {
      const imageName = `${name}_${String(channel).padStart(4, '0')}${ending}`;
      if (imageNames.has(imageName)) {
        used.add(imageName);
        return join(folder, 'imagesTr', imageName);
      }
      if (!optional) problems.push(`${name}: imagesTr/${imageName} is missing`);
      return undefined;
    });
    cases.push({ name, images, labels: join(folder, 'labelsTr', labelName) });
  }
  for (const imageName of imageNames) {
    if (!used.has(imageName)) {
      problems.push(`imagesTr/${imageName} belongs to no case of labelsTr or to no channel`);
    }
  }
  return cases;
}

/** Names of files with this ending, in order; hidden ones are passed over. */
async function namesIn(folder: string, ending: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith(ending) && !name.startsWith('.')).sort();
  } catch (error) {
    throw badDataset(folder, [
      `the folder cannot be read (${(error as NodeJS.ErrnoException).code})`,
    ]);
  }
}
