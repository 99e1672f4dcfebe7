import { afterAll, describe, expect, it } from 'vitest';
import { type ImagePlan, imagePlanOf } from '../../../src/model/nnunet-plans.js';
import { preprocessCase, toBoxGrid } from '../../../src/segment/nnunet/preprocess.js';
import { readDataset } from '../../../src/train/dataset.js';
import { type Fingerprint, fingerprintOf } from '../../../src/train/fingerprint.js';
import { planFor } from '../../../src/train/plan.js';
import { type CaseImages, readCase } from '../../../src/train/read-case.js';
import { WorkerPool } from '../../../src/workers.js';
import {
  everyNth,
  float32Of,
  goldenPath,
  int8Of,
  readGolden,
  relativeDifference,
} from '../../train/nnunet-goldens.js';

const golden = readGolden('nnunet-preprocess.json');
const folder = goldenPath('dataset');
const pool = new WorkerPool(2);
afterAll(() => pool.close());

async function imagesOf(name: string): Promise<CaseImages> {
  const dataset = await readDataset(folder);
  const reading = await readCase(dataset.cases.find((entry) => entry.name === name)!, 3);
  if ('problems' in reading) throw new Error(reading.problems.join('; '));
  return reading.images;
}

describe('fingerprint and plan of a dataset of three images', () => {
  it('are those of nnU-Net v2', async () => {
    const dataset = await readDataset(folder);
    const fingerprint: Fingerprint = await fingerprintOf(dataset, { pool });
    const expected = golden.fingerprint;
    expect(fingerprint.shapesAfterCrop).toEqual(expected.shapes_after_crop);
    for (const [index, spacing] of fingerprint.spacingsMm.entries()) {
      for (let axis = 0; axis < 3; axis++) {
        expect(spacing[axis]).toBeCloseTo(expected.spacings[index][axis], 5);
      }
    }
    expect(fingerprint.medianRelativeSizeAfterCropping).toBeCloseTo(
      expected.median_relative_size_after_cropping,
      12,
    );
    for (const [channel, properties] of fingerprint.intensities.entries()) {
      const of = expected.foreground_intensity_properties_per_channel[channel];
      const range = of.max - of.min;
      // nnU-Net draws voxels at random, tens of millions of them.
      for (const name of ['mean', 'median', 'std', 'min', 'max'] as const) {
        expect(Math.abs(properties[name] - of[name]) / range, name).toBeLessThan(1e-3);
      }
      for (const name of ['percentile_00_5', 'percentile_99_5'] as const) {
        expect(Math.abs(properties[name] - of[name]) / range, name).toBeLessThan(1e-2);
      }
    }
    for (const architecture of ['plain', 'residual'] as const) {
      const { configurations, ...general } = planFor(
        fingerprint,
        {
          name: 'Dataset001_Small',
          channelNames: dataset.channelNames,
          classCount: 3,
          caseCount: 3,
        },
        { architecture, memoryGb: 8 },
      );
      const theirs = golden.plans[architecture];
      const { spacing, ...configuration } = configurations['3d_fullres'];
      const { spacing: theirSpacing, ...theirConfiguration } = theirs.configurations['3d_fullres'];
      expect(configuration).toEqual(theirConfiguration);
      for (let axis = 0; axis < 3; axis++) expect(spacing[axis]).toBeCloseTo(theirSpacing[axis], 5);
      for (const name of ['plans_name', 'transpose_forward', 'transpose_backward'] as const) {
        expect(general[name]).toEqual(theirs[name]);
      }
      expect(Object.keys({ configurations, ...general }).sort()).toEqual(
        Object.keys(theirs).sort(),
      );
    }
  });
});

describe.each(golden.rows as Record<string, never>[])(
  'preprocessing $case to the $target spacing',
  (row: Record<string, never>) => {
    const plan = (): ImagePlan => {
      const json = structuredClone(golden.plans.plain);
      json.transpose_forward = row.transposeForward;
      json.configurations['3d_fullres'].spacing = row.spacing;
      return imagePlanOf(json, 'plans.json');
    };

    it("equals nnU-Net's", async () => {
      const { channels, labels } = await imagesOf(row.case);
      const prepared = preprocessCase(channels, plan(), labels);
      expect(prepared.shape).toEqual(row.shape);
      const { box } = prepared.geometry;
      expect(box.start.map((n, axis) => [n, n + box.shape[axis]])).toEqual(row.box);
      const expected = float32Of(row.image);
      expect(relativeDifference(everyNth(prepared.image, row.step), expected)).toBeLessThan(1e-5);
      const labelGolden = int8Of(row.labels);
      const other = labelGolden.filter((label, at) => label !== prepared.labels[at]).length;
      // Where two labels tie but for rounding, the rounding decides in nnU-Net.
      expect(other / labelGolden.length).toBeLessThan(1e-3);
      const back = toBoxGrid(
        prepared.image.slice(0, prepared.image.length / 2),
        prepared.shape,
        prepared.geometry,
        plan(),
      );
      expect(relativeDifference(everyNth(back, row.step), float32Of(row.back))).toBeLessThan(1e-5);
    });
  },
);
