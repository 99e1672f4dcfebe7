import { DawsonError } from '../../errors.js';
import { hasOneClass, labelNames, type OutputLabels } from '../../model/labels.js';
import { predictorsOf } from '../../model/model-predictors.js';
import { openModel } from '../../model/open-model.js';
import { Engine } from '../../network/index.js';
import type { Open } from '../segmenter.js';
import { defaultNnunetOptions, requireChannels, segmentNnunet } from './nnunet.js';

/**
 * A trained model of a folder. Opening it checks all of its files, loads the first fold once on the
 * chosen device, and looks for the sequences that the model needs.
 * @throws DawsonError `usage` without a folder; `bad-model`; `inputs-conflict` where a sequence is
 *   missing; what {@link Engine} throws.
 */
export const openNnunet: Open = async (
  { model: folder, mirror, engine: settings },
  sequences,
  run,
) => {
  if (folder === undefined) {
    throw new DawsonError('usage', {
      expected: 'a model folder for the segmenter nnunet (--model)',
      found: 'none',
    });
  }
  const opened = await run.stage('open the model', async () => {
    const opened = await openModel(folder);
    requireChannels(sequences, opened.model);
    const engine = new Engine(settings, run.signal);
    try {
      await predictorsOf(opened, engine).loadFirst();
    } finally {
      await engine.close();
    }
    return opened;
  });
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
};

/** What the labels mean and which of them are lesion, for the findings. */
function classSettings(labels: OutputLabels): Record<string, string> {
  const names = [...labelNames(labels)].map(([label, name]) => [`label ${label}`, name] as const);
  return { ...Object.fromEntries(names), lesionLabels: labels.lesionLabels.join(', ') };
}
