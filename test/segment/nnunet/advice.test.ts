import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../../../src/errors.js';
import type { PickleValue } from '../../../src/formats/pickle.js';
import { writeSafetensors } from '../../../src/formats/safetensors.js';
import { sha256Of } from '../../../src/formats/sha256.js';
import { readTorchWeights } from '../../../src/formats/torch-checkpoint.js';
import { torchCheckpointBytes } from '../../../src/formats/write-torch-checkpoint.js';
import { openModelFolder } from '../../../src/model/model-folder.js';
import { openModel } from '../../../src/model/open-model.js';
import { readWeights, type Weights } from '../../../src/network/index.js';
import { exportNnunet } from '../../../src/segment/nnunet/export-nnunet.js';
import { importNnunet } from '../../../src/segment/nnunet/import-nnunet.js';
import { requireChannels } from '../../../src/segment/nnunet/nnunet.js';
import { readCheckpoint, writeChecked, writeCheckpoint } from '../../../src/train/checkpoint.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { copied, edit, rename, saved, savedV1 } from './saved-models.js';

type Path = (...names: string[]) => string;

const importOf = (path: Path, results: string, checkpoint?: 'best') =>
  importNnunet(results, path('model'), { orientation: 'RAS', checkpoint });

/** Spoils a copy of what nnU-Net saved, and imports it. */
const spoiled =
  (spoil: (results: string) => unknown, from = saved) =>
  async (path: Path) => {
    const results = copied(path, from);
    await spoil(results);
    return importOf(path, results);
  };

/** Changes `plans.json` or `dataset.json` of a copy. */
const edited = (file: string, change: (json: Record<string, never>) => void) =>
  spoiled((results) => edit(join(results, file), change as (json: never) => void));

const configurationIn = (plans: Record<string, never>) =>
  (plans.configurations as Record<string, Record<string, unknown>>)['3d_fullres'];

/** Writes the first fold of a copy again, with other weights or another description. */
const rewritten = (
  about: Readonly<Record<string, PickleValue>>,
  change: (weights: Weights) => Weights = (weights) => weights,
  { field = 'network_weights', alone = false } = {},
) =>
  spoiled(async (results) => {
    if (alone) rmSync(join(results, 'fold_1'), { recursive: true });
    const file = join(results, 'fold_0', 'checkpoint_final.pth');
    const tensors = change(await readTorchWeights(file, 'network_weights'));
    const described = new Map<string, PickleValue>([
      ['trainer_name', 'nnUNetTrainer'],
      ['init_args', new Map<string, PickleValue>([['configuration', '3d_fullres']])],
      ['inference_allowed_mirroring_axes', [0, 1, 2]],
      ...Object.entries(about),
    ]);
    writeFileSync(file, torchCheckpointBytes({ [field]: tensors }, described));
  });

/** Imports a model, changes something in its folder and opens it. */
const opened =
  (
    change: (folder: string) => void,
    open: (folder: string) => Promise<unknown> = openModelFolder,
  ) =>
  async (path: Path) => {
    await importOf(path, saved);
    change(path('model'));
    return open(path('model'));
  };

/** Writes a file of the folder again, together with its hash in `model.json`. */
function replace(folder: string, name: string, bytes: Buffer): void {
  writeFileSync(join(folder, name), bytes);
  edit(join(folder, 'model.json'), (json: { files: Record<string, unknown> }) => {
    json.files[name] = { bytes: bytes.length, sha256: sha256Of(bytes) };
  });
}

function replaceJson(folder: string, name: string, change: (json: never) => void): void {
  edit(join(folder, name), change);
  replace(folder, name, readFileSync(join(folder, name)));
}

const firstWeights = async (folder: string) => {
  const { weights, network, files } = await openModelFolder(folder);
  return readWeights(weights[0], network, files[basename(weights[0])].sha256);
};

const identity = { seed: '1' };
const state = { a: { shape: [2], data: new Float32Array(2) } };
const resumed = (write: (file: string) => Promise<void>) => async (path: Path) => {
  await write(path('checkpoint'));
  return readCheckpoint(path('checkpoint'), identity, state);
};

const getAgain = errorTable['bad-model'].advice;
type Case = [what: string, act: (path: Path) => unknown, code: string, advice: string | RegExp];

const foreign: Case[] = [
  ['a folder that there is not', (path) => importOf(path, path('none')), 'file-not-found', /path/],
  ['a file', (path) => importOf(path, join(saved, 'plans.json')), 'bad-model', /Unpack it first/],
  [
    'a model of Dawson',
    opened(
      () => {},
      (folder) => importNnunet(folder, `${folder}2`, { orientation: 'RAS' }),
    ),
    'bad-model',
    /model of Dawson already: dawson predict/,
  ],
  [
    'a folder of several trainings',
    (path) => {
      mkdirSync(path('data', 'nnUNetTrainer__nnUNetPlans__3d_fullres'), { recursive: true });
      return importOf(path, path('data'));
    },
    'bad-model',
    /such as .*nnUNetTrainer__nnUNetPlans__3d_fullres/,
  ],
  ['a fold', (path) => importOf(path, join(saved, 'fold_0')), 'bad-model', /folder around it/],
  ['an empty folder', (path) => importOf(path, path()), 'bad-model', /TRAINER__PLANS/],
  [
    'a training that goes on',
    spoiled((results) => {
      for (const fold of ['fold_0', 'fold_1']) {
        const file = (name: string) => join(results, fold, `checkpoint_${name}.pth`);
        writeFileSync(file('best'), readFileSync(file('final')));
        rmSync(file('final'));
      }
    }),
    'bad-model',
    /--checkpoint best/,
  ],
  ['no best network', (path) => importOf(path, saved, 'best'), 'bad-model', /leave out --check/],
  [
    'v1 without its plans',
    spoiled((f) => rmSync(join(f, 'fold_0', 'model_final_checkpoint.model.pkl')), savedV1),
    'file-not-found',
    /path/,
  ],
  [
    'plans that are no JSON',
    spoiled((f) => writeFileSync(join(f, 'plans.json'), '{')),
    'file-corrupt',
    /Mend it if it was edited/,
  ],
  [
    'damaged plans of v1',
    spoiled(
      (f) => truncateSync(join(f, 'fold_0', 'model_final_checkpoint.model.pkl'), 99),
      savedV1,
    ),
    'bad-model',
    /damaged, or no file of nnU-Net/,
  ],
  [
    'another way to prepare images',
    spoiled(
      (f) =>
        rename(
          join(f, 'fold_0', 'model_final_checkpoint.model.pkl'),
          'GenericPreprocessor',
          'SpecialPreprocessor',
        ),
      savedV1,
    ),
    'bad-model',
    /does not do this.*nnU-Net itself/,
  ],
  [
    'a checkpoint that was cut short',
    spoiled((f) => truncateSync(join(f, 'fold_1', 'checkpoint_final.pth'), 999)),
    'bad-model',
    /damaged, or was never a checkpoint/,
  ],
  [
    'no weights',
    rewritten({}, undefined, { field: 'state_dict' }),
    'bad-model',
    /nnU-Net itself wrote/,
  ],
  [
    'a trainer that Dawson does not build',
    rewritten({ trainer_name: 'nnUNet_Primus_M_Trainer' }, undefined, { alone: true }),
    'bad-model',
    /Predict with nnU-Net itself/,
  ],
  [
    'an unknown trainer',
    rewritten({ trainer_name: 'Mine' }, undefined, { alone: true }),
    'bad-model',
    /--trainer-is/,
  ],
  [
    'folds of two trainers',
    rewritten({ trainer_name: 'nnUNetTrainerDA5' }),
    'bad-model',
    /folds are of several trainings/,
  ],
  [
    'an unknown configuration',
    rewritten({ init_args: new Map<string, PickleValue>([['configuration', '4d']]) }),
    'bad-model',
    /does not do this/,
  ],
  [
    'weights that are not finite',
    rewritten({}, (weights) => {
      weights.values().next().value!.data[0] = Number.NaN;
      return weights;
    }),
    'bad-model',
    /training has diverged/,
  ],
  [
    'a weight too few',
    rewritten({}, (weights) => new Map([...weights].slice(1))),
    'bad-model',
    /another network than plans\.json/,
  ],
  [
    'weights of another shape',
    edited('plans.json', (json) => {
      const { architecture } = configurationIn(json) as {
        architecture: { arch_kwargs: { features_per_stage: number[] } };
      };
      architecture.arch_kwargs.features_per_stage[1] = 7;
    }),
    'bad-model',
    /another network than plans\.json/,
  ],
  [
    'a layer that Dawson does not build',
    edited('plans.json', (json) => {
      const { architecture } = configurationIn(json) as {
        architecture: { arch_kwargs: Record<string, unknown> };
      };
      architecture.arch_kwargs.nonlin = 'torch.nn.Softplus';
    }),
    'bad-model',
    /Dawson does not build such a network/,
  ],
  [
    'no architecture',
    edited('plans.json', (json) => {
      delete configurationIn(json).architecture;
    }),
    'bad-model',
    /as nnU-Net wrote it beside the folds/,
  ],
  [
    'an unknown normalisation',
    edited('plans.json', (json) => {
      configurationIn(json).normalization_schemes = ['Magic', 'Magic'];
    }),
    'bad-model',
    /plans ask for what Dawson does not do/,
  ],
  [
    'fewer channels than its plans',
    edited('dataset.json', (json) => {
      Object.assign(json, { channel_names: { 0: 'FLAIR' } });
    }),
    'bad-model',
    /as they lay beside the weights/,
  ],
  [
    'labels with a gap',
    edited('dataset.json', (json) => {
      Object.assign(json, { labels: { background: 0, lesion: 2 } });
    }),
    'bad-model',
    /labels are those of dataset\.json/,
  ],
  [
    'another post-processing',
    spoiled((results) => {
      const folder = join(results, 'crossval_results_folds_0_1');
      mkdirSync(folder);
      const rules = { postprocessing_fns: ['dilate'], postprocessing_kwargs: [{}] };
      writeFileSync(join(folder, 'postprocessing.json'), JSON.stringify(rules));
    }),
    'bad-model',
    /does not do this/,
  ],
];

const own: Case[] = [
  ['results of nnU-Net', () => openModel(saved), 'bad-model', /dawson model import/],
  ['a file', () => openModel(join(saved, 'plans.json')), 'bad-model', /unpacked first/],
  [
    'the folder of a training',
    (path) => {
      mkdirSync(path('training', 'model'), { recursive: true });
      return openModel(path('training'));
    },
    'bad-model',
    /in that of its training: .*training\/model/,
  ],
  ['an empty folder', (path) => openModel(path()), 'file-not-found', /path/],
  [
    'another program’s model.json',
    opened((f) => writeFileSync(join(f, 'model.json'), '{"layers": []}')),
    'bad-model',
    /no model of Dawson/,
  ],
  [
    'a newer version',
    opened((f) => edit(join(f, 'model.json'), (json) => Object.assign(json, { schemaVersion: 9 }))),
    'bad-model',
    /newer version of Dawson/,
  ],
  [
    'a field that was edited',
    opened((f) => edit(join(f, 'model.json'), (json) => Object.assign(json, { average: 'sum' }))),
    'bad-model',
    getAgain,
  ],
  ['a missing part', opened((f) => rmSync(join(f, 'fold_0.safetensors'))), 'bad-model', getAgain],
  [
    'a damaged part',
    opened((f) => writeFileSync(join(f, 'fold_0.safetensors'), 'weights')),
    'bad-model',
    getAgain,
  ],
  [
    'weights that are none',
    opened((f) => replace(f, 'fold_0.safetensors', Buffer.from('weights')), firstWeights),
    'bad-model',
    /no safetensors file/,
  ],
  [
    'a patch that cannot be halved',
    opened((f) =>
      replaceJson(f, 'plans.json', (json) => {
        configurationIn(json).patch_size = [15, 15, 15];
      }),
    ),
    'bad-model',
    /unedited/,
  ],
  [
    'one of heads',
    opened(
      (f) =>
        replaceJson(f, 'plans.json', (json) => {
          configurationIn(json).dawson_input = 'head';
        }),
      openModel,
    ),
    'bad-model',
    /Choose a model that finds lesions/,
  ],
  [
    'one of v1 for nnU-Net v2',
    async (path) => {
      await importOf(path, savedV1);
      return exportNnunet(await openModel(path('model')), path('out'));
    },
    'bad-model',
    /Train with a plan of --architecture/,
  ],
  [
    'channels that exams do not have',
    () => requireChannels(['flair', 't1'], { channelNames: ['T1c', 'PD'], optionalChannels: [] }),
    'inputs-conflict',
    /does not know T1c, PD: run the model with dawson predict/,
  ],
  [
    'a sequence too few',
    () => requireChannels(['flair'], { channelNames: ['FLAIR', 'T2'], optionalChannels: [] }),
    'inputs-conflict',
    /Add the sequence/,
  ],
];

const checkpoints: Case[] = [
  [
    'damaged',
    resumed((file) => writeSafetensors(file, { tensors: new Map(), metadata: {} })),
    'bad-model',
    /train this fold again/,
  ],
  [
    'of something else',
    resumed((file) => writeChecked(file, new Map())),
    'bad-model',
    /no checkpoint/,
  ],
  [
    'of another version',
    resumed((file) =>
      writeChecked(file, new Map(), { schema: 'dawson-checkpoint', schemaVersion: '1' }),
    ),
    'bad-model',
    /version of Dawson that began/,
  ],
  [
    'of another run',
    resumed((file) => writeCheckpoint(file, { epochs: 1, state }, { seed: '2' })),
    'inputs-conflict',
    /settings of that run/,
  ],
  [
    'of another plan',
    resumed((file) => writeCheckpoint(file, { epochs: 1, state: { b: state.a } }, identity)),
    'bad-model',
    /put back the plans\.json/,
  ],
];

describe.each([
  ['what nnU-Net saved', foreign],
  ['a model', own],
  ['a checkpoint', checkpoints],
])('%s that cannot be used comes with advice that fits', (_, cases) => {
  it.each(cases)('%s', async (_, act, code, advice) => {
    const path = temporaryFolder();
    await expect((async () => act(path))()).rejects.toMatchObject({
      code,
      advice: typeof advice === 'string' ? advice : expect.stringMatching(advice),
    });
  });
});
