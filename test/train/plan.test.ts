import { describe, expect, it } from 'vitest';
import { planFor } from '../../src/train/plan.js';
import { readGolden } from './nnunet-goldens.js';

describe.each(readGolden('nnunet-plans.json') as never[])(
  'the plan for $name, $architecture, $memoryGb GB',
  (row: ReturnType<typeof readGolden>) => {
    it("is nnU-Net v2's", () => {
      const plans = planFor(
        {
          spacingsMm: row.fingerprint.spacings,
          shapesAfterCrop: row.fingerprint.shapes_after_crop,
          intensities: [],
          orientation: 'RAS',
          medianRelativeSizeAfterCropping: row.fingerprint.median_relative_size_after_cropping,
        },
        {
          name: row.name,
          channelNames: row.channels,
          classCount: row.classes,
          caseCount: row.cases,
        },
        row,
      );
      const full = plans.configurations['3d_fullres'];
      const kwargs = full.architecture.arch_kwargs as Record<string, unknown>;
      expect(plans.transpose_forward).toEqual(row.transpose_forward);
      for (const name of [
        'batch_size',
        'patch_size',
        'median_image_size_in_voxels',
        'spacing',
        'batch_dice',
        'normalization_schemes',
        'use_mask_for_norm',
      ] as const) {
        expect(full[name], name).toEqual(row[name]);
      }
      expect(kwargs).toMatchObject(row.arch);
      expect(kwargs.n_conv_per_stage ?? kwargs.n_blocks_per_stage).toEqual(row.blocks);
    });
  },
);
