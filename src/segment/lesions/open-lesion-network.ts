import { DawsonError } from '../../errors.js';
import { ownNetworkFolder, readShippedNetwork } from '../../model/own-network.js';
import { Engine, loadPredictor } from '../../network/index.js';
import { sequenceLabels } from '../../preprocess/exam.js';
import { remark } from '../../remarks.js';
import type { Open } from '../segmenter.js';
import { predictLesions, windowShape } from './lesion-network.js';
import { lesionChannels } from './lesion-network-input.js';

/**
 * The lesion network that comes with Dawson.
 * @throws DawsonError `bad-model` where its files were changed; what {@link Engine} throws.
 */
export const openLesionNetwork: Open = async ({ engine: settings }, sequences) => {
  const { name, version, sha256, plan, rule, weights } = await readShippedNetwork('lesions');
  if (!rule) {
    throw new DawsonError('bad-model', {
      file: ownNetworkFolder('lesions'),
      expected: 'a network that finds lesions',
      found: 'none',
    });
  }
  const notes = lesionChannels
    .filter((sequence) => !sequences.includes(sequence))
    .map((sequence) => remark('sequence-missing', { label: sequenceLabels[sequence] }));
  return {
    settings: { device: settings.device },
    model: { name, version, sha256 },
    segment: (exam, { pool, stage, signal }) =>
      stage('segment', async (onProgress) => {
        const engine = new Engine(settings, signal);
        try {
          const { predict } = await loadPredictor(engine, plan, weights, windowShape);
          const probability = await predictLesions(exam, predict, { pool, signal, onProgress });
          return { probability, rule, notes };
        } finally {
          await engine.close();
        }
      }),
  };
};
