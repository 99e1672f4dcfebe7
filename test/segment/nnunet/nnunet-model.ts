import { classLabels } from '../../../src/model/labels.js';
import type { LesionRule } from '../../../src/model/lesion-rule.js';
import type { NnunetModel } from '../../../src/model/model-folder.js';
import { imagePlanOf } from '../../../src/model/nnunet-plans.js';
import { planFor } from '../../../src/train/plan.js';
import type { Axes3 } from '../../../src/volume/arrays.js';

export const rule: LesionRule = {
  threshold: 0.5,
  minimumVolumeMm3: 0,
  keepLargest: false,
  connectivity: 26,
};

/** Plans of a small network for images of one spacing. */
export function smallPlans(channelNames: readonly string[], spacingMm: Axes3, shape: Axes3) {
  const intensity = {
    mean: 0,
    median: 0,
    std: 1,
    min: 0,
    max: 1,
    percentile_00_5: 0,
    percentile_99_5: 1,
  };
  return planFor(
    {
      spacingsMm: [spacingMm],
      shapesAfterCrop: [shape],
      intensities: channelNames.map(() => intensity),
      medianRelativeSizeAfterCropping: 0.5,
      orientation: 'RAS',
    },
    { name: 'small', channelNames, classCount: 2, caseCount: 5 },
    { architecture: 'plain', memoryGb: 8 },
  );
}

export function smallModel(
  channelNames: readonly string[],
  spacingMm: Axes3,
  shape: Axes3,
): NnunetModel {
  return {
    plan: imagePlanOf(
      JSON.parse(JSON.stringify(smallPlans(channelNames, spacingMm, shape))),
      'plans.json',
    ),
    channelNames,
    optionalChannels: channelNames.slice(1),
    labels: classLabels(['background', 'lesion']),
    orientation: 'RAS',
    mirrorAxes: [0, 1, 2],
    average: 'logits',
    rule,
    cleaning: [],
  };
}
