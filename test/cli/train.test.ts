import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openModelFolder } from '../../src/model/model-folder.js';
import { predictorsOf } from '../../src/model/model-predictors.js';
import { Engine } from '../../src/network/index.js';
import { defaultNnunetOptions, predictCase } from '../../src/segment/nnunet/nnunet.js';
import { diceByRule } from '../../src/train/choose-post-processing.js';
import { readDataset } from '../../src/train/dataset.js';
import { readCase } from '../../src/train/read-case.js';
import { maskWhere } from '../../src/volume/volume.js';
import { WorkerPool } from '../../src/workers.js';
import { dawson, temporaryFolder } from '../support/dawson.js';
import { goldenPath } from '../train/nnunet-goldens.js';

const folder = temporaryFolder();
const [five, three] = [join(folder, 'five'), goldenPath('dataset')];

/** Two more cases, so that five folds have one each. */
cpSync(three, five, { recursive: true });
for (const [name, copy] of [
  ['iso', 'iso-again'],
  ['thick-z', 'thick-z-again'],
]) {
  for (const [part, endings] of [
    ['imagesTr', ['_0000.nii.gz', '_0001.nii.gz']],
    ['labelsTr', ['.nii.gz']],
  ] as const) {
    for (const ending of endings) {
      copyFileSync(join(five, part, `${name}${ending}`), join(five, part, `${copy}${ending}`));
    }
  }
}
const description = JSON.parse(readFileSync(join(five, 'dataset.json'), 'utf8'));
writeFileSync(join(five, 'dataset.json'), JSON.stringify({ ...description, numTraining: 5 }));

const short = ['--epochs', '2', '--steps', '2', '--threads', '1'];
/** Plans a training; `--quiet` leaves out the measuring of a step. */
const planned = async (name: string, dataset = five, size = ['--memory', '0.5']) => {
  const out = join(folder, name);
  expect((await dawson(['plan', dataset, ...size, '--quiet', '--out', out])).exitCode).toBe(0);
  return out;
};
const bytes = (out: string, file: string) => readFileSync(join(out, file));

/** How well a model does on a case, as it is used: by each of the rules to choose from. */
async function diceOf(folder: string, name: string, mirror: boolean): Promise<number[]> {
  const opened = await openModelFolder(folder);
  const dataset = await readDataset(five);
  const entry = dataset.cases.find((entry) => entry.name === name)!;
  const reading = await readCase(entry, dataset.classNames.length);
  if ('problems' in reading) throw new Error(reading.problems.join());
  const { channels, labels } = reading.images;
  const engine = new Engine({ device: 'cpu', threads: 1 });
  const pool = new WorkerPool(1);
  try {
    const { folds } = predictorsOf(opened, engine);
    const options = { ...defaultNnunetOptions, mirror, pool };
    const { lesion } = await predictCase(channels, opened.model, folds, options);
    return [
      ...diceByRule(
        lesion,
        maskWhere(labels, (label) => label > 0),
      ),
    ];
  } finally {
    await Promise.all([engine.close(), pool.close()]);
  }
}

describe('dawson train', () => {
  it('says what a plan costs before anything is trained', async () => {
    const out = join(folder, 'plan');
    const { stdout, exitCode } = await dawson(['plan', five, '--out', out, '--json']);
    expect(exitCode).toBe(0);
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({ cases: 5, parameters: expect.any(Number), stepsPerFold: 250_000 });
    expect(said.stepGflop).toBeGreaterThan(0.1);
    expect(said.secondsPerFold).toBeCloseTo(250_000 * said.secondsPerStep, 3);
    expect(said.memoryBytes).toBeGreaterThan(said.stepBytes);
    expect(readdirSync(out)).toEqual(['plans.json']);
  });

  it('trains a fold, judges it on its held-out case, and makes a model of it', async () => {
    const out = await planned('fold');
    const { stdout, stderr, exitCode } = await dawson([
      ...['train', five, '--fold', '1', '--out', out, ...short],
    ]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('epoch 2 of 2')]);
    const [, { val }] = JSON.parse(bytes(out, 'splits_final.json').toString());
    expect(val).toHaveLength(1);
    expect(stdout).toContain(`${val[0]}: Dice`);
    expect(bytes(out, 'fold_1/learning-curve.png').subarray(1, 4).toString()).toBe('PNG');
    expect((await dawson(['model', 'show', join(out, 'model')])).stdout).toContain('fold_1');
    const judged = JSON.parse(bytes(out, 'fold_1/validation.json').toString());
    const inUse = await diceOf(join(out, 'model'), val[0], true);
    expect(judged.cases[val[0]].diceByRule).toEqual(inUse);
    expect(await diceOf(join(out, 'model'), val[0], false)).not.toEqual(inUse);
    const again = await dawson(['train', five, '--fold', '1', '--out', out, ...short]);
    expect([again.exitCode, again.stderr]).toEqual([5, expect.stringContaining('--resume')]);
  });

  it('trains all folds one after another, those of a file too, and goes on anywhere', async () => {
    const out = await planned('all-five');
    const names = ['iso', 'iso-again', 'thick-x', 'thick-z', 'thick-z-again'];
    const splits = [
      { train: names.slice(2), val: names.slice(0, 2) },
      { train: names.slice(0, 2), val: names.slice(2) },
    ];
    const file = join(folder, 'own-splits.json');
    writeFileSync(file, JSON.stringify(splits));
    const run = ['train', five, '--splits', file, '--out', out, '--epochs', '1', '--steps', '1'];
    expect((await dawson([...run, '--fold', '0', '--threads', '1'])).exitCode).toBe(0);
    const all = await dawson([
      ...[...run, '--fold', 'all-five', '--threads', '1', '--resume', '--json'],
    ]);
    expect([all.exitCode, all.stderr]).toEqual([0, '']);
    const { dice, card } = JSON.parse(all.stdout);
    expect(Object.keys(dice).sort()).toEqual(names);
    expect(card.training).toMatchObject({ judgedCases: 5, meanDiceOfRule: expect.any(Number) });
    expect(JSON.parse(bytes(out, 'splits_final.json').toString())).toEqual(splits);
    const drawn = await dawson(['train', five, '--fold', '1', '--out', out, ...short]);
    expect([drawn.exitCode, drawn.stderr]).toEqual([4, expect.stringContaining('--splits')]);
  });

  it('goes on after kill -9 to the weights of a run that was not stopped', async () => {
    const [whole, killed] = [await planned('whole'), await planned('killed')];
    const run = ['train', five, '--fold', 'all', '--epochs', '6', '--steps', '3', '--threads', '1'];
    expect((await dawson([...run, '--out', whole])).exitCode).toBe(0);
    await killedAfterEpoch(5, [...run, '--out', killed]);
    expect(readdirSync(join(killed, 'fold_all'))).not.toContain('weights.safetensors');
    expect((await dawson([...run, '--out', killed, '--resume'])).exitCode).toBe(0);
    const weights = 'fold_all/weights.safetensors';
    expect(bytes(killed, weights).equals(bytes(whole, weights))).toBe(true);
  });

  it('shares prepared cases with another training', async () => {
    const cache = join(folder, 'prepared');
    for (const name of ['one', 'other']) {
      const out = await planned(name);
      const args = ['train', five, '--fold', 'all', '--out', out, '--cache', cache, ...short];
      expect((await dawson([...args, '--epochs', '0'])).exitCode).toBe(0);
      // Two of the five cases are copies.
      expect(readdirSync(cache)).toHaveLength(3);
      expect(readdirSync(out)).not.toContain('cache');
    }
  });

  it('fine-tunes a model of two channels for one', async () => {
    const model = await planned('model-of-two', three);
    await dawson(['train', three, '--fold', 'all', '--out', model, ...short]);
    const one = join(folder, 'one-channel');
    for (const part of ['imagesTr', 'labelsTr']) mkdirSync(join(one, part), { recursive: true });
    for (const name of ['iso', 'thick-x', 'thick-z']) {
      const copy = (file: string, to = file) => copyFileSync(join(three, file), join(one, to));
      copy(`imagesTr/${name}_0000.nii.gz`);
      copy(`labelsTr/${name}.nii.gz`);
    }
    const { channel_names: _, ...rest } = description;
    const dataset = { ...rest, channel_names: { 0: 'FLAIR' } };
    writeFileSync(join(one, 'dataset.json'), JSON.stringify(dataset));
    const { exitCode, stderr } = await dawson([
      ...['train', one, '--fold', 'all', '--out', join(folder, 'tuned')],
      ...['--init', join(model, 'model_all'), ...short],
    ]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('epoch 2 of 2')]);
  });

  it('starts a compact network from Dawson’s own', async () => {
    const out = await planned('compact', three, ['--architecture', 'compact']);
    const once = ['--epochs', '1', '--steps', '1', '--threads', '2'];
    const { exitCode, stderr } = await dawson([
      ...['train', three, '--fold', 'all', '--out', out, '--init', 'lesions', ...once],
    ]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('epoch 1 of 1')]);
    const { stdout } = await dawson(['model', 'show', join(out, 'model_all')]);
    expect(stdout).toMatch(/compact network, 4 levels of 32, 64, 128, 160 features/);
    expect(stdout).toMatch(/64 x 64 x 64 voxels of 1 x 1 x 1 mm/);
  });

  it('does not mirror exams for a network that saw none mirrored', async () => {
    const out = await planned('as-they-are', three);
    const { exitCode } = await dawson([
      ...['train', three, '--fold', 'all', '--out', out, '--augmentation', 'none', ...short],
    ]);
    expect(exitCode).toBe(0);
    const model = JSON.parse(bytes(out, 'model_all/model.json').toString());
    expect(model).toMatchObject({ mirrorAxes: [], training: { augmentation: 'none' } });
  });

  it.each([
    ['three patients for five folds', ['--fold', '0'], 3, /a fold would be empty.*--fold all/s],
    ['a fold that there is not', ['--fold', '5'], 2, /a fold from 0 to 4/],
    ['a device that is absent', ['--fold', 'all', '--device', 'cuda'], 7, /cuda/i],
    ['a model that is none', ['--fold', 'all', '--init', 'nowhere'], 3, /nowhere/],
  ])('refuses %s', async (name, options, exitCode, message) => {
    const out = join(folder, name.replaceAll(' ', '-'));
    const result = await dawson(['train', three, '--out', out, ...options, ...short]);
    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringMatching(message)]);
  });
});

/** Runs the program and kills it as soon as it has said that an epoch ended. */
function killedAfterEpoch(epoch: number, args: readonly string[]): Promise<void> {
  const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));
  const child = spawn(process.execPath, [program, ...args]);
  child.stderr.on('data', (chunk) => {
    if (String(chunk).includes(`epoch ${epoch} of`)) child.kill('SIGKILL');
  });
  return new Promise((resolve) => {
    child.on('close', () => resolve());
  });
}
