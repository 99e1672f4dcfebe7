import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/formats/safetensors.js';
import { sha256Of } from '../../src/formats/sha256.js';
import type { LesionRule } from '../../src/model/lesion-rule.js';
import { type ModelCard, openModelFolder, writeModelFolder } from '../../src/model/model-folder.js';
import { initialWeights, networkPlanOf, readWeights } from '../../src/network/index.js';
import { seededRandom } from '../../src/volume/random.js';
import { rule, smallPlans } from '../segment/nnunet/nnunet-model.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const card: ModelCard = {
  name: 'small',
  version: '1.0.0',
  training: { cases: 5, data: 'made up' },
  orientation: 'RAS',
  mirrorAxes: [0, 1, 2],
  average: 'logits',
  rule: { ...rule, threshold: 0.4, minimumVolumeMm3: 9 },
};
const dataset = {
  channel_names: { 0: 'FLAIR', 1: 'T1' },
  labels: { background: 0, lesion: 1 },
  optional_channels: ['T1'],
};

async function modelFolder(): Promise<string> {
  const path = temporaryFolder();
  const folds = new Map([10, 2, 0].map((fold) => [fold, path(`weights-${fold}`)]));
  for (const [fold, file] of folds) {
    await writeSafetensors(file, { tensors: weights(fold), metadata: {} });
  }
  await writeModelFolder(path('model'), card, plans, dataset, folds);
  return path('model');
}

const plans = smallPlans(['FLAIR', 'T1'], [1, 1, 1], [32, 40, 32]);
// Few features: what is tested is the folder.
const { arch_kwargs: shape } = plans.configurations['3d_fullres'].architecture;
Object.assign(shape, { features_per_stage: shape.features_per_stage.map(() => 2) });
const network = networkPlanOf(
  JSON.parse(JSON.stringify(plans)),
  '3d_fullres',
  { inputChannels: 2, classes: 2 },
  'plans.json',
);
const weights = (fold: number) => initialWeights(network, seededRandom(fold));

function edit(folder: string, change: (json: Record<string, never>) => void, name = 'model.json') {
  const file = join(folder, name);
  const json = JSON.parse(readFileSync(file, 'utf8'));
  change(json);
  writeFileSync(file, JSON.stringify(json));
}

describe('a model folder', () => {
  it('stays as it was where the new model could not be opened', async () => {
    const folder = await modelFolder();
    const before = readFileSync(join(folder, 'model.json'));
    const other = initialWeights({ ...network, classes: 3 }, seededRandom(0));
    const unfit = new Map([
      [0, (file: string) => writeSafetensors(file, { tensors: other, metadata: {} })],
    ]);
    await expect(writeModelFolder(folder, card, plans, dataset, unfit)).rejects.toMatchObject({
      code: 'bad-model',
      details: { file: join(folder, 'fold_0.safetensors') },
    });
    const unnamed = { ...card, name: 'n'.repeat(201) };
    const fit = new Map([
      [0, (file: string) => writeSafetensors(file, { tensors: weights(0), metadata: {} })],
    ]);
    await expect(writeModelFolder(folder, unnamed, plans, dataset, fit)).rejects.toMatchObject({
      code: 'bad-model',
    });
    expect(readFileSync(join(folder, 'model.json'))).toEqual(before);
  });

  it('gives back what was written, folds in their order', async () => {
    const folder = await modelFolder();
    const opened = await openModelFolder(folder);
    expect(opened.card).toEqual(card);
    expect(opened.weights.map((file) => basename(file))).toEqual([
      'fold_0.safetensors',
      'fold_2.safetensors',
      'fold_10.safetensors',
    ]);
    expect(await readWeights(opened.weights[1], network)).toEqual(weights(2));
    expect(opened.dataset).toEqual(dataset);
    expect(opened.model).toMatchObject({
      channelNames: ['FLAIR', 'T1'],
      optionalChannels: ['T1'],
      labels: { lesionLabels: [1], nonlinearity: 'softmax' },
      rule: { threshold: 0.4 },
    });
    expect(opened.model.plan.patchShape).toEqual([32, 40, 32]);
  });

  it('is read as models before version 2 were written, with a rule of another name', async () => {
    const folder = await modelFolder();
    edit(folder, (json) => {
      const { connectivity: _, ...postProcessing } = json.rule as LesionRule;
      Object.assign(json, { schemaVersion: 1, postProcessing });
      delete json.rule;
    });
    const { card } = await openModelFolder(folder);
    expect(card.rule).toEqual((await openModelFolder(await modelFolder())).card.rule);
  });

  it('has the same bytes for the same model', async () => {
    const [a, b] = [await modelFolder(), await modelFolder()];
    expect(readFileSync(join(a, 'model.json'))).toEqual(readFileSync(join(b, 'model.json')));
  });

  it.each<[string, (folder: string) => void, RegExp]>([
    [
      'changed weights',
      (f) => {
        const file = join(f, 'fold_0.safetensors');
        const bytes = readFileSync(file);
        bytes[bytes.length - 1] ^= 1;
        writeFileSync(file, bytes);
      },
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
      (f) => edit(f, (json) => Object.assign(json, { schemaVersion: 3 })),
      /schemaVersion/,
    ],
    [
      'a threshold beyond 1',
      (f) => edit(f, (json) => Object.assign(json.rule, { threshold: 2 })),
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
    const folder = await modelFolder();
    const own = { ...plans.configurations['3d_fullres'], ...fields };
    const bytes = Buffer.from(JSON.stringify({ ...plans, configurations: { '3d_fullres': own } }));
    writeFileSync(join(folder, 'plans.json'), bytes);
    const record = { bytes: bytes.length, sha256: sha256Of(bytes) };
    edit(folder, (json) => Object.assign(json.files, { 'plans.json': record }));
    await expect(openModelFolder(folder)).rejects.toMatchObject({ code: 'bad-model' });
  });

  it('is not written over a folder that holds something else', async () => {
    const path = temporaryFolder();
    writeFileSync(path('weights'), 'weights');
    await expect(
      writeModelFolder(path(), card, {}, dataset, new Map([[0, path('weights')]])),
    ).rejects.toMatchObject({ code: 'output-exists' });
  });
});
