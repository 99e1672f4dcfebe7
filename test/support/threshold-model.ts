import { writeSafetensors } from '../../src/formats/safetensors.js';
import type { LesionRule } from '../../src/model/lesion-rule.js';
import { writeModelFolder } from '../../src/model/model-folder.js';
import { configurationName } from '../../src/model/nnunet-plans.js';
import { initialWeights, networkPlanOf } from '../../src/network/index.js';
import { seededRandom } from '../../src/volume/random.js';
import { smallPlans } from '../segment/nnunet/nnunet-model.js';

export interface ThresholdModel {
  readonly channels: readonly string[];
  readonly optional: readonly string[];
  readonly folds?: number;
  readonly patch?: readonly [number, number, number];
  readonly features?: readonly [number, number];
  readonly rule?: Partial<LesionRule>;
}

/**
 * Writes a model folder with a network that a hand can follow: the first channel, standardised in
 * the brain and over the patch, is compared with 5.
 */
export async function writeThresholdModel(
  path: (...names: string[]) => string,
  { channels, optional, folds = 1, patch = [56, 72, 64], features = [2, 2], rule }: ThresholdModel,
): Promise<string> {
  const plans = JSON.parse(JSON.stringify(smallPlans(channels, [2, 2, 2], patch)));
  const configuration = plans.configurations[configurationName];
  configuration.patch_size = patch;
  Object.assign(configuration.architecture.arch_kwargs, {
    n_stages: 2,
    features_per_stage: features,
    kernel_sizes: Array(2).fill([3, 3, 3]),
    strides: [
      [1, 1, 1],
      [2, 2, 2],
    ],
    n_conv_per_stage: [1, 1],
    n_conv_per_stage_decoder: [1],
  });
  const sizes = { inputChannels: channels.length, classes: 2 };
  const tensors = initialWeights(
    networkPlanOf(plans, configurationName, sizes, 'plans.json'),
    seededRandom(1),
  );
  const centre = 13;
  const set = (name: string, values: readonly [at: number, value: number][]) => {
    const { data } = tensors.get(name)!;
    data.fill(0);
    for (const [at, value] of values) data[at] = value;
  };
  for (const name of tensors.keys()) if (/(conv|transpconvs\.0)\.weight/.test(name)) set(name, []);
  set('encoder.stages.0.0.convs.0.conv.weight', [[centre, 1]]);
  // Upsampled features come before those of the encoder.
  set('decoder.stages.0.convs.0.conv.weight', [[27 * features[0] + centre, 1]]);
  set('decoder.seg_layers.0.weight', [[features[0], 8]]);
  set('decoder.seg_layers.0.bias', [[1, -8 * 5]]);

  const weights = new Map<number, string>();
  for (let fold = 0; fold < folds; fold++) {
    weights.set(fold, path(`weights-${fold}`));
    await writeSafetensors(path(`weights-${fold}`), { tensors, metadata: {} });
  }
  await writeModelFolder(
    path('model'),
    {
      name: 'bright',
      version: '1.2.0',
      training: { data: 'none: made by hand', cases: 0 },
      orientation: 'RAS',
      mirrorAxes: [0, 1, 2],
      average: 'logits',
      rule: {
        threshold: 0.6,
        minimumVolumeMm3: 20,
        keepLargest: false,
        connectivity: 26,
        ...rule,
      },
    },
    plans,
    {
      channel_names: Object.fromEntries(channels.map((name, index) => [index, name])),
      optional_channels: optional,
      labels: { background: 0, lesion: 1 },
    },
    weights,
  );
  return path('model');
}
