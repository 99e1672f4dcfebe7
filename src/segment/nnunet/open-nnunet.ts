import { DawsonError } from '../../errors.js';
import { hasOneClass, labelNames, type OutputLabels } from '../../model/labels.js';
import type { ModelFolder } from '../../model/model-folder.js';
import { predictorsOf } from '../../model/model-predictors.js';
import { openModel, openShippedModel } from '../../model/open-model.js';
import type { Predict } from '../../model/sliding-window.js';
import { Engine } from '../../network/index.js';
import type { Run } from '../../run.js';
import type { Open, OpenSegmenter, Segmentation, SegmenterChoice } from '../segmenter.js';
import {
  type NnunetOptions,
  requireChannels,
  requireOneGrid,
  segmentAsRead,
  segmentNnunet,
} from './nnunet.js';

/**
 * A trained model of a folder. Opening it checks all of its files, loads the first fold once on the
 * chosen device, and looks for the sequences that the model needs.
 * @throws DawsonError `usage` without a folder; `bad-model`; `inputs-conflict` where a sequence is
 *   missing; what {@link Engine} throws.
 */
export const openNnunet: Open = async (choice, sequences, run) => {
  const { model: folder, preparation } = choice;
  if (folder === undefined) {
    throw new DawsonError('usage', {
      expected: 'a model folder for the segmenter nnunet (--model)',
      found: 'none',
    });
  }
  const opened = await run.stage('open the model', async () => {
    const opened = await openModel(folder);
    requireAlone(opened);
    if (!preparation) requireNnunetsInput(opened);
    requireChannels(sequences, opened.model);
    const engine = new Engine(choice.engine, run.signal);
    try {
      await predictorsOf(opened, engine).loadFirst();
    } finally {
      await engine.close();
    }
    return opened;
  });
  return segmenterOf(opened, choice);
};

/**
 * The lesion network that comes with Dawson.
 * @throws DawsonError `bad-model`, `file-corrupt` where its files were changed.
 */
export const openLesionNetwork: Open = async (choice) =>
  segmenterOf(await openShippedModel('lesions'), choice);

function segmenterOf(
  opened: ModelFolder,
  { mirror, stepSize, preparation, engine: settings }: SegmenterChoice,
): OpenSegmenter {
  const { card, model, sha256 } = opened;
  const options = { stepSize, mirror };
  return {
    settings: {
      folds: opened.weights.length,
      stepSize,
      mirrorings: mirror ? 2 ** model.mirrorAxes.length : 1,
      device: settings.device,
      ...(!preparation && { preparation: 'none' }),
      ...(!hasOneClass(model.labels) && classSettings(model.labels)),
    },
    model: { name: card.name, version: card.version, sha256 },
    segment: (exam, run) =>
      withFolds(run, (folds, how) => segmentNnunet(exam, model, folds, { ...options, ...how })),
    segmentAsRead: (exam, run) =>
      withFolds(run, (folds, how) => segmentAsRead(exam, opened, folds, { ...options, ...how })),
    requireOneGrid: (exam) => requireOneGrid(exam, model),
  };

  /** The work of one exam, with its own engine. */
  function withFolds(
    { pool, stage, signal }: Run,
    work: (
      folds: readonly Predict[],
      how: Pick<NnunetOptions, 'pool' | 'signal' | 'onProgress'>,
    ) => Promise<Segmentation>,
  ): Promise<Segmentation> {
    return stage('segment', async (onProgress) => {
      const engine = new Engine(settings, signal);
      const { folds, release } = predictorsOf(opened, engine);
      try {
        const segmentation = await work(folds, { pool, signal, onProgress });
        await release();
        return segmentation;
      } finally {
        await engine.close();
      }
    });
  }
}

/** @throws DawsonError `usage` for a model that always sees the brain, in voxels of its own. */
function requireNnunetsInput({ folder, model }: ModelFolder): void {
  if (model.plan.input === 'nnunet') return;
  throw new DawsonError('usage', {
    file: folder,
    expected: 'a model that sees exams as nnU-Net does, for --no-preparation',
    found: 'one that sees the brain as Dawson’s own network does',
  });
}

/** @throws DawsonError `bad-model` for one that does not find lesions by itself. */
function requireAlone({ folder, model }: ModelFolder): void {
  if (!model.plan.takesLabels) return;
  throw new DawsonError('bad-model', {
    file: folder,
    expected: 'a model that takes images only',
    found: 'the second network of a cascade',
    advice: 'dawson predict runs both, one after the other (--previous-stage).',
  });
}

/** What the labels mean and which of them are lesion, for the findings. */
function classSettings(labels: OutputLabels): Record<string, string> {
  const names = [...labelNames(labels)].map(([label, name]) => [`label ${label}`, name] as const);
  return { ...Object.fromEntries(names), lesionLabels: labels.lesionLabels.join(', ') };
}
