import { DawsonError } from '../../errors.js';
import { hasOneClass, labelNames, type OutputLabels } from '../../model/labels.js';
import type { ModelFolder } from '../../model/model-folder.js';
import { predictorsOf } from '../../model/model-predictors.js';
import { openModel, openShippedModel } from '../../model/open-model.js';
import { Engine } from '../../network/index.js';
import type { Open, OpenSegmenter, SegmenterChoice } from '../segmenter.js';
import { defaultNnunetOptions, requireChannels, segmentNnunet } from './nnunet.js';

/**
 * A trained model of a folder. Opening it checks all of its files, loads the first fold once on the
 * chosen device, and looks for the sequences that the model needs.
 * @throws DawsonError `usage` without a folder; `bad-model`; `inputs-conflict` where a sequence is
 *   missing; what {@link Engine} throws.
 */
export const openNnunet: Open = async (choice, sequences, run) => {
  const { model: folder } = choice;
  if (folder === undefined) {
    throw new DawsonError('usage', {
      expected: 'a model folder for the segmenter nnunet (--model)',
      found: 'none',
    });
  }
  const opened = await run.stage('open the model', async () => {
    const opened = await openModel(folder);
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
  { mirror, engine: settings }: SegmenterChoice,
): OpenSegmenter {
  const { card, model, sha256 } = opened;
  const options = { ...defaultNnunetOptions, mirror };
  return {
    settings: {
      folds: opened.weights.length,
      stepSize: options.stepSize,
      mirrorings: mirror ? 2 ** model.mirrorAxes.length : 1,
      device: settings.device,
      ...(!hasOneClass(model.labels) && classSettings(model.labels)),
    },
    model: { name: card.name, version: card.version, sha256 },
    segment: (exam, { pool, stage, signal }) =>
      stage('segment', async (onProgress) => {
        const engine = new Engine(settings, signal);
        const { folds, release } = predictorsOf(opened, engine);
        try {
          const segmentation = await segmentNnunet(exam, model, folds, {
            ...options,
            pool,
            signal,
            onProgress,
          });
          await release();
          return segmentation;
        } finally {
          await engine.close();
        }
      }),
  };
}

/** What the labels mean and which of them are lesion, for the findings. */
function classSettings(labels: OutputLabels): Record<string, string> {
  const names = [...labelNames(labels)].map(([label, name]) => [`label ${label}`, name] as const);
  return { ...Object.fromEntries(names), lesionLabels: labels.lesionLabels.join(', ') };
}
