import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ModelCard,
  openModelFolder,
  writeModelFolder,
} from '../../src/segment/model-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { postProcessing, smallPlans } from './nnunet-model.js';

const card: ModelCard = {
  name: 'small',
  version: '1.0.0',
  training: { cases: 5, data: 'made up' },
  orientation: 'RAS',
  mirrorAxes: [0, 1, 2],
  average: 'logits',
  postProcessing: { ...postProcessing, threshold: 0.4, minimumVolumeMm3: 9 },
};
const dataset = {
  channel_names: { 0: 'FLAIR', 1: 'T1' },
  labels: { background: 0, lesion: 1 },
  optional_channels: ['T1'],
};

async function modelFolder(): Promise<string> {
  const path = temporaryFolder();
  const weights = new Map([10, 2, 0].map((fold) => [fold, path(`weights-${fold}`)]));
  for (const [fold, file] of weights) writeFileSync(file, `weights of fold ${fold}`);
  const plans = smallPlans(['FLAIR', 'T1'], [1, 1, 1], [32, 40, 32]);
  await writeModelFolder(path('model'), card, plans, dataset, weights);
  return path('model');
}

function edit(folder: string, change: (json: Record<string, never>) => void, name = 'model.json') {
  const file = join(folder, name);
  const json = JSON.parse(readFileSync(file, 'utf8'));
  change(json);
  writeFileSync(file, JSON.stringify(json));
}

describe('a model folder', () => {
  it('gives back what was written, folds in their order', async () => {
    const folder = await modelFolder();
    const opened = await openModelFolder(folder);
    expect(opened.card).toEqual(card);
    expect(opened.weights.map((file) => readFileSync(file, 'utf8'))).toEqual([
      'weights of fold 0',
      'weights of fold 2',
      'weights of fold 10',
    ]);
    expect(opened.dataset).toEqual(dataset);
    expect(opened.model).toMatchObject({
      channelNames: ['FLAIR', 'T1'],
      optionalChannels: ['T1'],
      classCount: 2,
      postProcessing: { threshold: 0.4 },
    });
    expect(opened.model.plan.patchShape).toEqual([32, 40, 32]);
  });

  it('has the same bytes for the same model', async () => {
    const [a, b] = [await modelFolder(), await modelFolder()];
    expect(readFileSync(join(a, 'model.json'))).toEqual(readFileSync(join(b, 'model.json')));
  });

  it.each<[string, (folder: string) => void, RegExp]>([
    [
      'changed weights',
      (f) => writeFileSync(join(f, 'fold_0.safetensors'), 'weights of fold 9'),
      /other contents/,
    ],
    ['shorter weights', (f) => writeFileSync(join(f, 'fold_0.safetensors'), ''), /0 bytes/],
    ['missing weights', (f) => rmSync(join(f, 'fold_2.safetensors')), /no file/],
    [
      'a link in place of a file',
      (f) => {
        rmSync(join(f, 'plans.json'));
        symlinkSync('/etc/hostname', join(f, 'plans.json'));
      },
      /no plain file/,
    ],
    ['changed plans', (f) => edit(f, () => {}, 'plans.json'), /plans\.json/],
    [
      'a path out of the folder',
      (f) =>
        edit(f, (json) => {
          (json.files as Record<string, unknown>)['../../fold_0.safetensors'] = {
            bytes: 1,
            sha256: '0'.repeat(64),
          };
        }),
      /files named/,
    ],
    [
      'another version',
      (f) => edit(f, (json) => Object.assign(json, { schemaVersion: 2 })),
      /schemaVersion/,
    ],
    [
      'a threshold beyond 1',
      (f) => edit(f, (json) => Object.assign(json.postProcessing, { threshold: 2 })),
      /threshold/,
    ],
    [
      'no weights at all',
      (f) =>
        edit(f, (json) => {
          const files = json.files as Record<string, unknown>;
          for (const name of Object.keys(files)) if (name.startsWith('fold')) delete files[name];
        }),
      /weights of a fold/,
    ],
  ])('is refused with %s', async (_, spoil, message) => {
    const folder = await modelFolder();
    spoil(folder);
    await expect(openModelFolder(folder)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['a patch that no machine holds', { patch_size: [4096, 4096, 4096] }],
    ['a patch of a thousand million voxels', { patch_size: [1024, 1024, 1024] }],
    ['a patch of half a voxel', { patch_size: [0.5, 1, 1] }],
    ['a patch that cannot be halved often enough', { patch_size: [30, 40, 32] }],
    ['no network', { architecture: {} }],
    ['no spacing', { spacing: undefined }],
    ['an unknown normalisation', { normalization_schemes: ['Magic', 'Magic'] }],
    ['another resampling', { resampling_fn_data: 'eval' }],
  ])('is refused with plans that ask for %s', async (_, fields) => {
    const path = temporaryFolder();
    writeFileSync(path('weights'), 'weights');
    const plans = smallPlans(['FLAIR', 'T1'], [1, 1, 1], [32, 40, 32]);
    Object.assign(plans.configurations['3d_fullres'], fields);
    await writeModelFolder(path('model'), card, plans, dataset, new Map([[0, path('weights')]]));
    await expect(openModelFolder(path('model'))).rejects.toMatchObject({ code: 'bad-model' });
  });

  it('is not written over a folder that holds something else', async () => {
    const path = temporaryFolder();
    writeFileSync(path('weights'), 'weights');
    await expect(
      writeModelFolder(path(), card, {}, dataset, new Map([[0, path('weights')]])),
    ).rejects.toMatchObject({ code: 'output-exists' });
  });
});
