import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
