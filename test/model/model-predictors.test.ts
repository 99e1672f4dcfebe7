import { afterAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/formats/safetensors.js';
import { openModelFolder, writeModelFolder } from '../../src/model/model-folder.js';
import { predictorsOf } from '../../src/model/model-predictors.js';
import { slideWindow } from '../../src/model/sliding-window.js';
import { Engine, initialWeights, loadPredictor, networkPlanOf } from '../../src/network/index.js';
import { seededRandom } from '../../src/volume/random.js';
import { rule, smallPlans } from '../segment/nnunet/nnunet-model.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const engine = new Engine({ device: 'cpu', threads: 2 });
afterAll(() => engine.close());

const plans = JSON.parse(JSON.stringify(smallPlans(['FLAIR', 'T1'], [2, 1, 1], [10, 16, 16])));
const network = networkPlanOf(plans, '3d_fullres', { inputChannels: 2, classes: 2 }, 'plans.json');

async function model(file: (name: string) => string, write = network) {
  const weights = new Map<number, string>();
  for (const fold of [0, 1]) {
    weights.set(fold, file(`weights-${fold}`));
    const tensors = initialWeights(write, seededRandom(fold));
    await writeSafetensors(file(`weights-${fold}`), { tensors, metadata: {} });
  }
  const card = {
    name: 'small',
    version: '0',
    training: {},
    orientation: 'RAS',
    mirrorAxes: [],
    average: 'logits',
    rule,
  } as const;
  const dataset = {
    channel_names: { 0: 'FLAIR', 1: 'T1' },
    labels: { background: 0, lesion: 1 },
  };
  await writeModelFolder(file('model'), card, plans, dataset, weights);
  return openModelFolder(file('model'));
}

describe('the networks of a model folder', () => {
  it('give the mean of the folds, each loaded in the place of the one before', async () => {
    const opened = await model(temporaryFolder());
    const { patchShape } = opened.model.plan;
    const shape = [patchShape[0] + 4, patchShape[1], patchShape[2]] as const;
    const random = seededRandom(9);
    const data = Float32Array.from({ length: 2 * shape[0] * shape[1] * shape[2] }, () =>
      random.normal(),
    );
    const options = { patchShape, classes: 2, stepSize: 0.5, mirrorAxes: [] };
    const image = { data, channels: 2, shape };

    const { folds, release } = predictorsOf(opened, engine);
    const together = await slideWindow(image, folds, options);
    await release();
    const apart = [];
    for (const fold of [0, 1]) {
      const weights = initialWeights(network, seededRandom(fold));
      const predictor = await loadPredictor(engine, network, weights, patchShape);
      apart.push(await slideWindow(image, [(patch) => predictor.predict(patch)], options));
      await predictor.release();
    }
    expect(apart[0]).not.toEqual(apart[1]);
    for (let at = 0; at < together.length; at++) {
      expect(Math.abs(together[at] - (apart[0][at] + apart[1][at]) / 2)).toBeLessThan(1e-4);
    }
  });

  it('refuse weights that changed since the folder was opened', async () => {
    const opened = await model(temporaryFolder());
    const { folds } = predictorsOf(opened, engine);
    const tensors = initialWeights(network, seededRandom(9));
    await writeSafetensors(opened.weights[0], { tensors, metadata: {} });
    await expect(folds[0](new Float32Array(0))).rejects.toMatchObject({ code: 'bad-model' });
  });
});
