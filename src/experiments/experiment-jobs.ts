import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { linkImage, makeFolder, writeWhole } from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { examMemoryBytes, type Job } from '../jobs/index.js';
import type { Dataset } from '../train/dataset.js';
import { TrainingFolder } from '../train/training-folder.js';
import type { Experiment, ExperimentTraining } from './experiment.js';
import { idOf, type NetworkSpec, type System, type Trial } from './network.js';

/** Places in the folder of an experiment. */
export const experimentPaths = (out: string) => ({
  file: join(out, 'experiment.json'),
  work: join(out, 'work'),
  threads: join(out, 'threads.json'),
  dataset: (id: string) => join(out, 'datasets', id),
  training: (id: string) => join(out, 'trainings', id),
  /** Cases as networks see them: each prepared once for all trainings. */
  cache: join(out, 'cache'),
  prediction: (id: string, name: string) => join(out, 'predictions', id, name),
  report: join(out, 'report'),
});
export type ExperimentPaths = ReturnType<typeof experimentPaths>;

/** The networks that the trials need, each once, by id. */
export function networksOf(trials: readonly Trial[]): Map<string, NetworkSpec> {
  return new Map(
    trials.flatMap(({ system }) =>
      'network' in system ? [[idOf(system), system.network] as const] : [],
    ),
  );
}

/** The exams that each system has to segment, each once. */
export function predictionsOf(trials: readonly Trial[]): { system: System; name: string }[] {
  const found = new Map<string, { system: System; name: string }>();
  for (const { system, cases } of trials) {
    for (const name of cases) found.set(predictionId(system, name), { system, name });
  }
  return [...found.values()];
}

/** Names of files; two exams whose names would become one are told apart by a hash. */
export function predictionId(system: System, name: string): string {
  const plain = name.replace(/[^\w-]/g, '_');
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `predict-${idOf(system)}-${plain === name ? name : `${plain}-${hash}`}`;
}

/**
 * The experiment as commands: for each network `dawson plan`, but where it starts from another, and `dawson
 * train`, for each exam that a
 * system is judged on `dawson segment`.
 */
export function experimentJobs(
  experiment: Experiment,
  trials: readonly Trial[],
  paths: ExperimentPaths,
): Job[] {
  const networks = [...networksOf(trials)].flatMap(([id, network]) =>
    networkJobs(id, network, experiment, paths),
  );
  const predictions = predictionsOf(trials).map(({ system, name }) =>
    predictionJob(system, name, experiment, paths),
  );
  return [...networks, ...predictions];
}

const given = (option: string, value: string | number | undefined) =>
  value === undefined ? [] : [option, String(value)];

/** What a training takes at most: nnU-Net's budget is above what Dawson's steps were seen to take. */
const trainingMemory = ({ architecture, memoryGb }: ExperimentTraining) =>
  architecture === 'compact' ? examMemoryBytes : Math.max(1, memoryGb) * 2 ** 30;

export function networkJobs(
  id: string,
  { training }: NetworkSpec,
  { place }: Pick<Experiment, 'place'>,
  paths: ExperimentPaths,
): Job[] {
  const dataset = paths.dataset(id);
  const folder = new TrainingFolder(paths.training(id));
  const { architecture, memoryGb, epochs, stepsPerEpoch, learningRate, seed } = training;
  const { loss, optimiser, augmentation } = training;
  const init =
    training.init === undefined || training.init === 'lesions' ? undefined : place(training.init);
  const settings = [
    ...[...given('--epochs', epochs), ...given('--steps', stepsPerEpoch)],
    ...[...given('--learning-rate', learningRate), ...given('--loss', loss)],
    ...[...given('--optimiser', optimiser), ...given('--augmentation', augmentation)],
    ...[...given('--seed', seed), ...given('--init', init ?? training.init)],
  ];
  const size = [...given('--architecture', architecture), ...given('--memory', memoryGb)];
  const common = { keeps: [folder.folder], memoryBytes: trainingMemory(training) };
  const plan: Job = {
    ...common,
    id: `plan-${id}`,
    // An experiment measures its own steps.
    command: ['plan', dataset, ...size, '--quiet', '--out', folder.folder],
    reads: [dataset],
    writes: folder.plans,
  };
  const train: Job = {
    ...common,
    id: `train-${id}`,
    command: ['train', dataset, '--fold', 'all', '--out', folder.folder, ...settings],
    means: ['--resume', '--cache', paths.cache],
    isThreaded: true,
    reads: [dataset, ...(init === undefined ? [] : [init])],
    writes: folder.modelOfAll,
  };
  // A network that starts from another has the plans of that one.
  if (training.init !== undefined) return [train];
  return [plan, { ...train, reads: [...train.reads, folder.plans], after: [plan.id] }];
}

export function predictionJob(
  system: System,
  name: string,
  { dataset, file, place }: Pick<Experiment, 'dataset' | 'file' | 'place'>,
  paths: ExperimentPaths,
): Job {
  const id = idOf(system);
  const entry = dataset.cases.find((own) => own.name === name)!;
  const images = dataset.channelNames.flatMap((channel, at) => {
    const file = entry.images[at];
    return file === undefined ? [] : [{ option: `--${sequenceOf(channel)}`, file }];
  });
  const model =
    'network' in system
      ? new TrainingFolder(paths.training(id)).modelOfAll
      : 'model' in system
        ? place(system.model)
        : undefined;
  const writes = paths.prediction(id, name);
  return {
    id: predictionId(system, name),
    command: [
      'segment',
      ...images.flatMap(({ option, file }) => [option, file]),
      ...given('--model', model),
      ...(model === undefined ? [] : given('--step-size', file.prediction?.stepSize)),
      ...given('--segmenter', 'segmenter' in system ? system.segmenter : undefined),
      ...['--brain-extracted', '--registered', '--ignore-quality', '--no-report', '--out', writes],
    ],
    isThreaded: true,
    reads: [...images.map(({ file }) => file), ...(model === undefined ? [] : [model])],
    writes,
    ...('network' in system && { after: [`train-${id}`] }),
    memoryBytes: examMemoryBytes,
  };
}

/** The option of `dawson segment` for a channel, such as T1w. */
export const sequenceOf = (channel: string): string => channel.toLowerCase().replace(/w$/, '');

/**
 * A training set of some cases and channels of another, which stays where it is: links lead to it. What is as it
 * should be is left alone, since commands of an earlier run may still read it.
 * @throws DawsonError `output-failed`.
 */
export async function linkDataset(
  dataset: Dataset,
  cases: readonly string[],
  channels: readonly string[],
  folder: string,
): Promise<void> {
  const ending = String(dataset.description.file_ending);
  const taken = dataset.cases.filter(({ name }) => cases.includes(name));
  const files = new Map<string, string>();
  for (const { name, images, labels } of taken) {
    for (const [channel, channelName] of channels.entries()) {
      const image = images[dataset.channelNames.indexOf(channelName)];
      const number = String(channel).padStart(4, '0');
      if (image) files.set(join(folder, 'imagesTr', `${name}_${number}${ending}`), image);
    }
    files.set(join(folder, 'labelsTr', basename(labels)), labels);
  }
  for (const part of ['imagesTr', 'labelsTr']) {
    await makeFolder(join(folder, part));
    for (const name of await readdir(join(folder, part))) {
      if (!files.has(join(folder, part, name))) await rm(join(folder, part, name));
    }
  }
  for (const [target, file] of files) await linkImage(file, target);
  const optional = dataset.optionalChannels.filter((name) => channels.includes(name));
  const description = {
    ...dataset.description,
    channel_names: Object.fromEntries(channels.map((name, at) => [at, name])),
    optional_channels: optional,
    numTraining: taken.length,
  };
  await writeWhole(join(folder, 'dataset.json'), jsonBytes(description));
}
