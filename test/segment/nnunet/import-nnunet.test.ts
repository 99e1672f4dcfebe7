import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { argmax } from '../../../src/model/lesion-rule.js';
import { openModelFolder } from '../../../src/model/model-folder.js';
import { predictorsOf } from '../../../src/model/model-predictors.js';
import { Engine } from '../../../src/network/index.js';
import { importNnunet } from '../../../src/segment/nnunet/import-nnunet.js';
import { defaultNnunetOptions, predictCase } from '../../../src/segment/nnunet/nnunet.js';
import { onGrid, type Size } from '../../../src/volume/volume.js';
import { WorkerPool } from '../../../src/workers.js';
import golden from '../../goldens/segment/nnunet-model.json' with { type: 'json' };
import goldenV1 from '../../goldens/segment/nnunet-v1-model.json' with { type: 'json' };
import { temporaryFolder } from '../../support/temporary-folder.js';
import { copied, edit, rename, saved, savedV1 } from './saved-models.js';

const pool = new WorkerPool(1);
const engine = new Engine({ device: 'cpu', threads: 1 });
afterAll(() => Promise.all([pool.close(), engine.close()]));

/** The image that nnU-Net was given, (z, y, x) as SimpleITK's arrays. */
function imageOf(golden: typeof goldenV1) {
  const size = golden.shape.toReversed() as unknown as Size;
  const [sx, sy, sz] = golden.spacingMm.toReversed();
  const affine = [sx, 0, 0, 0, 0, sy, 0, 0, 0, 0, sz, 0, 0, 0, 0, 1] as const;
  const bytes = Float32Array.from(Buffer.from(golden.image, 'base64'));
  const half = bytes.length / 2;
  return [bytes.slice(0, half), bytes.slice(half)].map((data) => onGrid({ size, affine }, data));
}

describe.each([
  ['v2: two folds, mirrored, logits averaged', saved, golden],
  ['v1: normalised after resampling, mirrored, probabilities averaged', savedV1, goldenV1],
])('a model of nnU-Net %s', (_, results, expected) => {
  it('gives the probabilities that nnU-Net gives, for an image of other voxels', async () => {
    const path = temporaryFolder();
    await importNnunet(results, path('model'), { orientation: 'RAS' });
    const opened = await openModelFolder(path('model'));
    const { folds } = predictorsOf(opened, engine);
    const options = { ...defaultNnunetOptions, pool };
    const { lesion } = await predictCase(imageOf(expected), opened.model, folds, options);
    let worst = 0;
    for (const [index, probability] of expected.foreground.entries()) {
      worst = Math.max(worst, Math.abs(lesion.data[7 * index] - probability));
    }
    expect(worst).toBeLessThan(1e-5);
    expect(Math.max(...expected.foreground)).toBeGreaterThan(0.5);
  });
});

describe('a model of nnU-Net v1', () => {
  it('brings what is known about it along', async () => {
    const path = temporaryFolder();
    const results = copied(path, savedV1);
    writeFileSync(path('results', 'postprocessing.json'), '{"for_which_classes": [1]}');
    const card = await importNnunet(results, path('model'), { orientation: 'LPS', name: 'first' });
    expect(card).toEqual({
      name: 'first',
      version: '1.0.0',
      training: {
        by: 'nnU-Net v1',
        trainer: 'nnUNetTrainerV2',
        plans: 'nnUNetData_plans_v2.1',
        dataset: basename(path()),
        epochs: 1,
      },
      orientation: 'LPS',
      mirrorAxes: [0, 1, 2],
      average: 'probabilities',
      rule: { threshold: 0.5, minimumVolumeMm3: 0, keepLargest: true, connectivity: 26 },
      cleaning: [{ labels: [1], connectivity: 6 }],
    });
    const { model } = await openModelFolder(path('model'));
    expect(model.channelNames).toEqual(['FLAIR', 'T1']);
    expect(model.plan.normalizesFirst).toBe(false);
    expect(model.plan.channels.map(({ useMask }) => useMask)).toEqual([true, false]);
  });

  it.each([
    ['patch_size', 'patch_sice', /three|3 numbers in plans_per_stage\.patch_size/],
    ['num_modalities', 'num_modalitiez', /num_modalities/],
    ['GenericPreprocessor', 'GenericPreprocessox', /preprocessor_name/],
    ['nonCT', 'nonXX', /normalization_schemes/],
    ['pool_op_kernel_sizes', 'pool_op_kernel_sizez', /pool_op_kernel_sizes/],
  ])('is refused without its %s', async (name, other, message) => {
    const path = temporaryFolder();
    const results = copied(path, savedV1);
    rename(path('results', 'fold_0', 'model_final_checkpoint.model.pkl'), name, other);
    await expect(
      importNnunet(results, path('model'), { orientation: 'RAS' }),
    ).rejects.toMatchObject({ code: 'bad-model', message: expect.stringMatching(message) });
  });
});

describe('the trainer class of a checkpoint', () => {
  const checkpoint = ['fold_0', 'model_final_checkpoint.model.pkl'] as const;
  const importAs = (results: string, out: string, trainerIs?: string) =>
    importNnunet(results, out, { orientation: 'RAS', trainerIs });

  it('is asked for where nnU-Net does not ship it, and the card says what was answered', async () => {
    const path = temporaryFolder();
    const results = copied(path, savedV1);
    rename(path('results', ...checkpoint), 'nnUNetTrainerV2', 'nnUNetTrainerVX');
    await expect(importAs(results, path('model'))).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('found nnUNetTrainerVX'),
      advice: expect.stringContaining('--trainer-is nnUNetTrainerV2'),
    });
    const { training } = await importAs(results, path('model'), 'nnUNetTrainerV2');
    expect(training).toMatchObject({
      trainer: 'nnUNetTrainerVX',
      trainerTakenFor: 'nnUNetTrainerV2',
    });
  });

  it('may not be said to be another one where it is known', async () => {
    const path = temporaryFolder();
    const taken = importAs(savedV1, path('model'), 'nnUNetTrainerV2_ReLU');
    await expect(taken).rejects.toMatchObject({ code: 'usage' });
  });

  it('is the same in all folds', async () => {
    const path = temporaryFolder();
    const results = copied(path, savedV1);
    cpSync(path('results', 'fold_0'), path('results', 'fold_1'), { recursive: true });
    rename(path('results', 'fold_1', checkpoint[1]), 'nnUNetTrainerV2', 'nnUNetTrainerVX');
    await expect(importAs(results, path('model'))).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringMatching(/fold_1.*expected the trainer nnUNetTrainerV2/),
    });
  });
});

describe('a model of nnU-Net v2', () => {
  it('brings what is known about it along', async () => {
    const path = temporaryFolder();
    const results = copied(path);
    mkdirSync(path('results', 'crossval_results_folds_0_1'));
    writeFileSync(
      path('results', 'crossval_results_folds_0_1', 'postprocessing.json'),
      JSON.stringify({
        postprocessing_fns: ['remove_all_but_largest_component_from_segmentation'],
        postprocessing_kwargs: [{ labels_or_regions: [1] }],
      }),
    );
    const card = await importNnunet(results, path('model'), {
      name: 'ours',
      orientation: 'LPS',
      channels: ['flair', 't2'],
    });
    expect(card).toEqual({
      name: 'ours',
      version: '1.0.0',
      training: {
        by: 'nnU-Net v2',
        trainer: 'nnUNetTrainer',
        plans: 'nnUNetPlans',
        configuration: '3d_fullres',
        dataset: 'Dataset001_Small',
        cases: 3,
        epochs: 1,
      },
      orientation: 'LPS',
      mirrorAxes: [0, 1, 2],
      average: 'logits',
      rule: { ...argmax, byClass: true },
      cleaning: [{ labels: [1], connectivity: 26 }],
    });
    const opened = await openModelFolder(path('model'));
    expect(opened.model.channelNames).toEqual(['flair', 't2']);
    expect(opened.weights).toHaveLength(2);
  });

  it('has to come with the orientation of its images, unless nnU-Net turned them', async () => {
    const path = temporaryFolder();
    const results = copied(path);
    await expect(importNnunet(results, path('a'), {})).rejects.toMatchObject({ code: 'usage' });
    edit(path('results', 'plans.json'), (plans: { image_reader_writer: string }) => {
      plans.image_reader_writer = 'NibabelIOWithReorient';
    });
    expect((await importNnunet(results, path('a'), {})).orientation).toBe('RAS');
  });

  it('may come with the plans of an nnU-Net before version 2.4', async () => {
    const path = temporaryFolder();
    const results = copied(path);
    await importNnunet(results, path('new'), { orientation: 'RAS' });
    edit(path('results', 'plans.json'), (json: { configurations: Record<string, never> }) => {
      const configuration: Record<string, unknown> = json.configurations['3d_fullres'];
      const { arch_kwargs } = configuration.architecture as {
        arch_kwargs: Record<string, unknown>;
      };
      delete configuration.architecture;
      Object.assign(configuration, {
        UNet_class_name: 'PlainConvUNet',
        UNet_base_num_features: 4,
        unet_max_num_features: 8,
        n_conv_per_stage_encoder: arch_kwargs.n_conv_per_stage,
        n_conv_per_stage_decoder: arch_kwargs.n_conv_per_stage_decoder,
        pool_op_kernel_sizes: arch_kwargs.strides,
        conv_kernel_sizes: arch_kwargs.kernel_sizes,
      });
    });
    await importNnunet(results, path('old'), { orientation: 'RAS' });
    const [old, current] = [await openModelFolder(path('old')), await openModelFolder(path('new'))];
    expect(old.network).toEqual(current.network);
    expect(old.files['fold_0.safetensors']).toEqual(current.files['fold_0.safetensors']);
  });

  type Spoil = (results: string) => void;
  it.each<[string, Spoil, RegExp]>([
    [
      'without folds',
      (f) => {
        for (const fold of [0, 1]) rmSync(join(f, `fold_${fold}`), { recursive: true });
      },
      /fold_0\/checkpoint_final\.pth/,
    ],
    [
      'with regions in no order',
      (f) =>
        edit(join(f, 'dataset.json'), (json: { labels: Record<string, unknown> }) => {
          json.labels.other = [1, 2];
        }),
      /regions_class_order with 2 labels/,
    ],
    [
      'with labels that do not count up',
      (f) =>
        edit(join(f, 'dataset.json'), (json: { labels: Record<string, unknown> }) => {
          json.labels.other = 4;
        }),
      /count up from 0/,
    ],
    [
      'whose plans are for other weights',
      (f) =>
        edit(join(f, 'plans.json'), (json: Record<string, never>) => {
          const { '3d_fullres': plan } = json.configurations as Record<string, never>;
          const { arch_kwargs } = (plan as Record<string, never>).architecture;
          (arch_kwargs as { features_per_stage: number[] }).features_per_stage[1] = 7;
        }),
      /fold_0.*of shape/,
    ],
    [
      'whose plans have more layers than the checkpoint',
      (f) =>
        edit(join(f, 'plans.json'), (json: Record<string, never>) => {
          const { '3d_fullres': plan } = json.configurations as Record<string, never>;
          const { arch_kwargs } = (plan as Record<string, never>).architecture;
          (arch_kwargs as { n_conv_per_stage: number[] }).n_conv_per_stage[0] = 2;
        }),
      /none of this name/,
    ],
    [
      'with a checkpoint that is none',
      (f) => writeFileSync(join(f, 'fold_1', 'checkpoint_final.pth'), 'PK'),
      /fold_1.*checkpoint of PyTorch/,
    ],
  ])('is refused %s, and nothing is left behind', async (_, spoil, message) => {
    const path = temporaryFolder();
    const results = copied(path);
    spoil(results);
    await expect(
      importNnunet(results, path('model'), { orientation: 'RAS' }),
    ).rejects.toMatchObject({ code: 'bad-model', message: expect.stringMatching(message) });
    expect(existsSync(path('model'))).toBe(false);
  });

  it('may be the best network of each fold in the place of the last', async () => {
    const path = temporaryFolder();
    const results = copied(path);
    const options = { orientation: 'RAS', checkpoint: 'best' } as const;
    await expect(importNnunet(results, path('model'), options)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('fold_0/checkpoint_best.pth'),
    });
    const fold = path('results', 'fold_1');
    cpSync(join(fold, 'checkpoint_final.pth'), join(fold, 'checkpoint_best.pth'));
    const card = await importNnunet(results, path('model'), options);
    expect(card.training).toMatchObject({ checkpoint: 'best' });
    expect((await openModelFolder(path('model'))).weights.map((file) => basename(file))).toEqual([
      'fold_1.safetensors',
    ]);
  });

  it('needs as many names as it has channels', async () => {
    const path = temporaryFolder();
    const options = { orientation: 'RAS', channels: ['FLAIR'] };
    await expect(importNnunet(saved, path('model'), options)).rejects.toMatchObject({
      code: 'usage',
    });
  });
});
