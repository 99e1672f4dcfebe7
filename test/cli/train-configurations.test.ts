import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNifti, writeNifti } from '../../src/formats/index.js';
import { openModelFolder } from '../../src/model/model-folder.js';
import { seededRandom } from '../../src/volume/random.js';
import { onGrid, type Size } from '../../src/volume/volume.js';
import { dawson, temporaryFolder } from '../support/dawson.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const dataset = at('dataset');
const cases = ['a', 'b', 'c', 'd'];
const once = ['--epochs', '1', '--steps', '1', '--threads', '1'];
/** So little that a patch is small beside these images, which have no network of low resolution else. */
const littleMemory = ['--memory', '0.003'];

/** A noisy box with a bright smaller one in it, elsewhere in each case: what is bright is lesion. */
async function writeCase(name: string, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const size: Size = [24, 26, 22];
  const grid = { size, affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1.1, 0, 0, 0, 0, 1] as const };
  const image = new Float32Array(size[0] * size[1] * size[2]);
  const labels = new Uint8Array(image.length);
  const start = size.map((n) => 4 + random.integer(n - 14));
  for (let voxel = 0; voxel < image.length; voxel++) {
    const place = [voxel % 24, Math.floor(voxel / 24) % 26, Math.floor(voxel / (24 * 26))];
    if (place.some((n, axis) => n < 2 || n >= size[axis] - 2)) continue;
    const isLesion = place.every((n, axis) => n >= start[axis] && n < start[axis] + 6);
    labels[voxel] = isLesion ? 1 : 0;
    image[voxel] = 100 + 10 * random.normal() + (isLesion ? 60 : 0);
  }
  await writeNifti(join(dataset, 'imagesTr', `${name}_0000.nii.gz`), onGrid(grid, image));
  await writeNifti(join(dataset, 'labelsTr', `${name}.nii.gz`), onGrid(grid, labels));
}

beforeAll(async () => {
  for (const part of ['imagesTr', 'labelsTr']) mkdirSync(join(dataset, part), { recursive: true });
  for (const [index, name] of cases.entries()) await writeCase(name, index + 1);
  const description = {
    channel_names: { 0: 'FLAIR' },
    labels: { background: 0, lesion: 1 },
    numTraining: cases.length,
    file_ending: '.nii.gz',
  };
  writeFileSync(join(dataset, 'dataset.json'), JSON.stringify(description));
  writeFileSync(at('splits.json'), JSON.stringify([{ train: cases.slice(1), val: ['a'] }]));
});

async function succeeds(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await dawson(args);
  expect([args[0], exitCode, stderr]).toEqual([args[0], 0, stderr]);
  return stdout;
}

function diceOf(found: ArrayLike<number>, truth: ArrayLike<number>): number {
  let [both, all] = [0, 0];
  for (let voxel = 0; voxel < truth.length; voxel++) {
    both += found[voxel] > 0 && truth[voxel] > 0 ? 1 : 0;
    all += (found[voxel] > 0 ? 1 : 0) + (truth[voxel] > 0 ? 1 : 0);
  }
  return (2 * both) / all;
}

const plan = (out: string, ...options: string[]) =>
  succeeds('plan', dataset, '--out', out, '--quiet', ...options);
const json = (...names: string[]) => JSON.parse(readFileSync(at(...names), 'utf8'));
const configurationsIn = (...names: string[]) => Object.keys(json(...names).configurations);

describe('a network of slices', () => {
  it('is planned, trained and judged, and its model predicts and is exported', async () => {
    const said = await succeeds(
      ...['plan', dataset, '--configuration', '2d', '--out', at('slices'), '--json'],
    );
    const { configuration, spacingMm, patchVoxels } = JSON.parse(said);
    // The thickest voxels lie along the last axis of the files: the first of the plan.
    expect([configuration, spacingMm, patchVoxels]).toEqual(['2d', [1, 1], [1, 24, 20]]);
    expect(configurationsIn('slices', 'plans.json')).toEqual(['2d']);

    const learning = ['--epochs', '4', '--steps', '10', '--threads', '1'];
    const trained = await succeeds(
      ...['train', dataset, '--fold', '0', '--splits', at('splits.json'), '--out', at('slices')],
      ...[...learning, '--json'],
    );
    const { dice, card } = JSON.parse(trained);
    expect(dice.a).toBeGreaterThan(0.8);
    expect(card).toMatchObject({ mirrorAxes: [1, 2], training: { configuration: '2d' } });

    const model = at('slices', 'model');
    const images = join(dataset, 'imagesTr');
    await succeeds('predict', model, '--in', images, '--out', at('labels'));
    const { volume: found } = await readNifti(at('labels', 'a.nii.gz'));
    const { volume: truth } = await readNifti(join(dataset, 'labelsTr', 'a.nii.gz'));
    expect(diceOf(found.data, truth.data)).toBeGreaterThan(0.8);

    await succeeds('model', 'export', model, '--out', at('exported'));
    const { configurations } = json('exported', 'plans.json');
    expect(configurations['2d']).toMatchObject({ patch_size: [24, 20], spacing: [1, 1] });
  });

  it('goes on after kill -9 to the weights of a run that was not stopped', async () => {
    const run = ['train', dataset, '--fold', 'all', '--epochs', '6', '--steps', '2'];
    for (const out of ['whole', 'killed']) await plan(at(out), '--configuration', '2d');
    await succeeds(...run, '--threads', '1', '--out', at('whole'));
    const killed = [...run, '--threads', '1', '--out', at('killed')];
    const stopped = await dawson(killed, { signal: 'SIGKILL', after: 'epoch 5 of' });
    expect(stopped.exitCode).toBe(null);
    await succeeds(...killed, '--resume');
    const weights = (out: string) => readFileSync(at(out, 'fold_all', 'weights.safetensors'));
    expect(weights('killed').equals(weights('whole'))).toBe(true);
  });

  it('is what another one of slices starts from, and none of volumes', async () => {
    const start = ['train', dataset, '--fold', 'all', '--init', at('whole', 'model_all'), ...once];
    await succeeds(...start, '--out', at('tuned'));
    expect(configurationsIn('tuned', 'plans.json')).toEqual(['2d']);
    const other = await dawson([
      ...[...start, '--configuration', '3d_fullres', '--out', at('other')],
    ]);
    expect([other.exitCode, other.stderr]).toEqual([4, expect.stringContaining('one of 2d')]);
  });
});

describe('a network of low resolution', () => {
  it('is planned, trained and run where nnU-Net would plan one', async () => {
    const low = ['--configuration', '3d_lowres'];
    await plan(at('low'), ...low, ...littleMemory);
    await succeeds('train', dataset, '--fold', 'all', ...low, '--out', at('low'), ...once);
    const { model, card } = await openModelFolder(at('low', 'model_all'));
    expect(card).toMatchObject({ training: { configuration: '3d_lowres' } });
    for (const [axis, mm] of [1.1, 1, 1].entries()) {
      expect(model.plan.spacingMm[axis]).toBeGreaterThan(1.25 * mm);
    }
    const images = join(dataset, 'imagesTr');
    await succeeds('predict', at('low', 'model_all'), '--in', images, '--out', at('low-labels'));
    expect((await readNifti(at('low-labels', 'b.nii.gz'))).volume.size).toEqual([24, 26, 22]);
  });

  it('is not mixed with folds of another configuration', async () => {
    const { exitCode, stderr } = await dawson(['plan', dataset, '--out', at('low')]);
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining('folds of 3d_lowres')]);
    expect(configurationsIn('low', 'plans.json')).toEqual(['3d_lowres']);
  });

  it('is refused where a patch shows enough', async () => {
    const { exitCode, stderr } = await dawson([
      ...['plan', dataset, '--configuration', '3d_lowres', '--out', at('none')],
    ]);
    expect([exitCode, stderr]).toEqual([4, expect.stringMatching(/--memory/)]);
  });
});

describe('a cascade', () => {
  const [first, second] = [at('first'), at('second')];
  const found = join(first, 'labels_for_next_stage');
  const cascade = ['--configuration', '3d_cascade_fullres'];
  const splits = ['--splits', at('halves.json')];
  const learning = ['--epochs', '4', '--steps', '3', '--threads', '1'];
  const onFound = ['--previous-stage', found];

  beforeAll(async () => {
    const halves = [
      { train: ['a', 'b'], val: ['c', 'd'] },
      { train: ['c', 'd'], val: ['a', 'b'] },
    ];
    writeFileSync(at('halves.json'), JSON.stringify(halves));
    await plan(first, '--configuration', '3d_lowres', ...littleMemory);
    const folds = ['train', dataset, '--fold', 'all-five', ...splits, '--out', first];
    await succeeds(...folds, '--epochs', '4', '--steps', '20', '--threads', '1');
  });

  it('begins with what each fold of low resolution finds in the cases that it had not seen', async () => {
    expect(readdirSync(found).sort()).toEqual(cases.map((name) => `${name}.nii.gz`));
    const images = join(dataset, 'imagesTr');
    const model = ['predict', join(first, 'model'), '--in', images];
    for (const [fold, names] of [
      ['0', ['c', 'd']],
      ['1', ['a', 'b']],
    ] as const) {
      await succeeds(...model, '--folds', fold, '--out', at(`by-${fold}`));
      for (const name of names) {
        const ours = (await readNifti(join(found, `${name}.nii.gz`))).volume;
        const alone = (await readNifti(at(`by-${fold}`, `${name}.nii.gz`))).volume;
        expect([name, [...ours.data]]).toEqual([name, [...alone.data]]);
        expect(ours.affine).toEqual(alone.affine);
      }
    }
  });

  it('is trained, goes on after kill -9, predicts and is exported', async () => {
    await plan(second, ...cascade, ...littleMemory);
    expect(configurationsIn('second', 'plans.json')).toEqual(['3d_cascade_fullres']);
    const run = ['train', dataset, '--fold', '0', ...splits, ...onFound, ...learning];
    await succeeds(...run, '--out', second);
    await plan(at('stopped'), ...cascade, ...littleMemory);
    const stopped = [...run, '--out', at('stopped')];
    const killed = await dawson(stopped, { signal: 'SIGKILL', after: 'epoch 3 of' });
    expect(killed.exitCode).toBe(null);
    await succeeds(...stopped, '--resume');
    const weights = (out: string) => readFileSync(join(out, 'fold_0', 'weights.safetensors'));
    expect(weights(at('stopped')).equals(weights(second))).toBe(true);

    const model = join(second, 'model');
    const { network } = await openModelFolder(model);
    expect(network.inputChannels).toBe(1 + 1);
    expect(await succeeds('model', 'show', model)).toMatch(
      /takes +FLAIR\n +and labels .*previous-stage/,
    );
    const predict = ['predict', model, '--in', join(dataset, 'imagesTr')];
    await succeeds(...predict, ...onFound, '--out', at('second-labels'));
    const { volume: after } = await readNifti(at('second-labels', 'c.nii.gz'));
    const { volume: truth } = await readNifti(join(dataset, 'labelsTr', 'c.nii.gz'));
    // Judged as it is used, with the labels of the stage before.
    const { cases: judged } = json('second', 'fold_0', 'validation.json');
    expect(diceOf(after.data, truth.data)).toBeCloseTo(judged.c.dice, 10);

    await succeeds('model', 'export', model, '--out', at('second-exported'));
    const { configurations } = json('second-exported', 'plans.json');
    expect(configurations['3d_cascade_fullres'].previous_stage).toBe('3d_lowres');
    await succeeds(
      ...['model', 'import', at('second-exported'), '--orientation', 'RAS'],
      ...['--out', at('second-again')],
    );
    const again = await openModelFolder(at('second-again'));
    expect(again.model.plan.takesLabels).toBe(true);
  });

  it('is not gone on with for other labels of the stage before', async () => {
    const run = ['train', dataset, '--fold', '0', ...splits, ...learning, '--out', second];
    cpSync(join(dataset, 'labelsTr'), at('others'), { recursive: true });
    const { exitCode, stderr } = await dawson([
      ...[...run, '--resume', '--previous-stage', at('others')],
    ]);
    expect([exitCode, stderr]).toEqual([4, expect.stringMatching(/casesToTrainOn|cases/)]);
  });

  it('is what another one starts from', async () => {
    await succeeds(
      ...['train', dataset, '--fold', 'all', '--init', join(second, 'model'), ...onFound],
      ...[...once, '--out', at('second-tuned')],
    );
    expect(configurationsIn('second-tuned', 'plans.json')).toEqual(['3d_cascade_fullres']);
  });

  it('is taken with what it inherits out of plans that nnU-Net wrote', async () => {
    await plan(at('inheriting'), ...littleMemory);
    const plans = json('inheriting', 'plans.json');
    Object.assign(plans.configurations, {
      '3d_lowres': json('first', 'plans.json').configurations['3d_lowres'],
      '3d_cascade_fullres': { inherits_from: '3d_fullres', previous_stage: '3d_lowres' },
    });
    writeFileSync(at('inheriting', 'plans.json'), JSON.stringify(plans));
    const run = ['train', dataset, '--fold', 'all', ...cascade, ...onFound, ...once];
    await succeeds(...run, '--out', at('inheriting'));
    expect(json('inheriting', 'plans.json')).toEqual(json('second', 'plans.json'));
  });

  it.each([
    ['without labels of a stage before', cascade, [], 2, '--previous-stage'],
    ['with some for a network of images', [], onFound, 2, 'that takes images only'],
    ['with none of them there', cascade, ['--previous-stage', dataset], 3, '4 problems'],
    [
      'with those to learn',
      cascade,
      ['--previous-stage', at('dataset', 'labelsTr', '.')],
      2,
      'is to learn',
    ],
  ])('is refused %s', async (name, configuration, given, exitCode, message) => {
    const out = at(name.replaceAll(' ', '-'));
    if (given.length === 0 || configuration.length === 0) await plan(out, ...littleMemory);
    const run = ['train', dataset, '--fold', 'all', ...configuration, ...given, ...once];
    const result = await dawson([...run, '--out', out]);
    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
  });
});

it('labels of a stage before without its configuration are refused before anything is planned', async () => {
  const out = at('not-planned');
  const { exitCode, stderr } = await dawson([
    ...['train', dataset, '--fold', 'all', '--previous-stage', at('others'), '--out', out, ...once],
  ]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('3d_cascade_fullres')]);
  expect(existsSync(join(out, 'plans.json'))).toBe(false);
});

describe('plans of several configurations, as nnU-Net writes them,', () => {
  it('are cut down to the one that the folder is for', async () => {
    await plan(at('volumes'), ...littleMemory);
    await plan(at('several'), '--configuration', '2d', ...littleMemory);
    const [volumes, slices] = [json('volumes', 'plans.json'), json('several', 'plans.json')];
    const configurations = { ...slices.configurations, ...volumes.configurations };
    writeFileSync(at('several', 'plans.json'), JSON.stringify({ ...slices, configurations }));
    copyFileSync(at('several', 'plans.json'), at('volumes', 'plans.json'));

    const train = (out: string, ...options: string[]) =>
      dawson(['train', dataset, '--fold', 'all', '--out', at(out), ...once, ...options]);
    expect((await train('several', '--configuration', '2d')).exitCode).toBe(0);
    expect(configurationsIn('several', 'plans.json')).toEqual(['2d']);
    expect((await openModelFolder(at('several', 'model_all'))).model.plan.bySlice).toBe(true);
    const gone = await train('several', '--configuration', '3d_fullres', '--resume');
    expect([gone.exitCode, gone.stderr]).toEqual([4, expect.stringContaining('folds of 2d')]);

    // Without a word it is the usual one, whose folds are not mixed with those of another.
    expect((await train('volumes')).exitCode).toBe(0);
    const mixed = await train('volumes', '--configuration', '2d');
    expect([mixed.exitCode, mixed.stderr]).toEqual([
      4,
      expect.stringContaining('folds of 3d_fullres'),
    ]);
  });
});
