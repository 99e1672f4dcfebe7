import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVolume, sha256OfFile, writeNifti } from '../../src/formats/index.js';
import type { Run } from '../../src/run.js';
import { segmenters } from '../../src/segment/segmenters.js';
import { cropTo } from '../../src/volume/box.js';
import { WorkerPool } from '../../src/workers.js';
import { makePhantom, someLesions } from '../segment/phantom.js';
import { dawson, temporaryFolder } from '../support/dawson.js';
import { type ThresholdModel, writeThresholdModel } from '../support/threshold-model.js';

const pool = new WorkerPool(1);
afterAll(() => pool.close());
const run: Run = { pool, stage: (_, work) => work(() => {}) };
const folder = temporaryFolder();
const { exam, lesions } = makePhantom({ lesions: someLesions });
const image = (name: string) => join(folder, `${name}.nii.gz`);
const schema = JSON.parse(
  readFileSync(
    fileURLToPath(new URL('../../schemas/findings-1.schema.json', import.meta.url)),
    'utf8',
  ),
);
const threeChannels = { channels: ['FLAIR', 'T1w', 'T2'], optional: ['T1w', 'T2'] };

let models = 0;
function makeModel(model: ThresholdModel): Promise<string> {
  const place = `${models++}-`;
  return writeThresholdModel((name) => join(folder, place + name), model);
}

let model: string;
const out = (name: string) => join(folder, name);

/** Segments the phantom, which is brain-extracted and registered. */
const segment = (model: string, name: string, ...more: string[]) =>
  dawson([
    ...['segment', '--flair', image('flair'), '--model', model, '--out', out(name)],
    ...['--brain-extracted', '--registered', ...more],
  ]);

beforeAll(async () => {
  for (const name of ['flair', 't1', 't2'] as const) await writeNifti(image(name), exam[name]);
  await writeNifti(
    image('coarse'),
    makePhantom({ size: [33, 37, 28], spacingMm: [4, 4, 4] }).exam.t1,
  );
  model = await makeModel({ ...threeChannels, folds: 2 });
});

describe('dawson segment --model', () => {
  it('finds what the network finds, by the rule of the model, and says which model it was', async () => {
    const result = await segment(model, 'a', '--t1', image('t1'), '--threads', '2');
    expect(result.stderr).not.toContain('expected');
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain('The T2 is missing: the network works without it.');

    const findings = JSON.parse(readFileSync(join(out('a'), 'findings.json'), 'utf8'));
    const validate = new Ajv2020().compile(schema);
    expect(validate(findings), JSON.stringify(validate.errors)).toBe(true);
    expect(findings.settings).toMatchObject({
      segmenter: 'nnunet',
      segmenterSettings: { folds: 2, stepSize: 0.5, mirrorings: 8, device: 'cpu' },
      model: {
        name: 'bright',
        version: '1.2.0',
        sha256: await sha256OfFile(join(model, 'model.json')),
      },
      lesionRule: {
        threshold: 0.6,
        minimumVolumeMm3: 20,
        keepLargest: false,
        connectivity: 26,
      },
    });
    const { volume } = await readVolume(join(out('a'), 'lesions.nii.gz'));
    let [both, either] = [0, 0];
    for (let at = 0; at < volume.data.length; at++) {
      both += volume.data[at] & lesions.data[at];
      either += volume.data[at] + lesions.data[at];
    }
    expect((2 * both) / either).toBeGreaterThan(0.95);
    // The last two of the phantom touch.
    expect(findings.lesionCount).toBe(someLesions.length - 1);
  });

  it('gives the same bytes on another number of threads', async () => {
    const choice = { model, mirror: true, stepSize: 0.5, preparation: true };
    const bytes = async (threads: number) => {
      const engine = { device: 'cpu', threads } as const;
      const { open } = segmenters.nnunet;
      const segmenter = await open({ ...choice, engine }, ['flair', 't1'], run);
      const { probability } = await segmenter.segment({ ...exam, t2: undefined }, run);
      return Buffer.from(probability.data.buffer);
    };
    const [one, two] = [await bytes(1), await bytes(2)];
    expect(one.some((byte) => byte !== 0)).toBe(true);
    expect(one.equals(two)).toBe(true);
  });

  it('gives a model the images as they are where it is told so, and keeps the largest lesion where the model says so', async () => {
    const largest = await makeModel({
      channels: ['flair'],
      optional: [],
      rule: { keepLargest: true },
    });
    const asRead = ['--t2', image('t2'), '--no-preparation', '--no-mirror', '--no-report'];
    const { exitCode, stdout, stderr } = await dawson([
      ...['segment', '--flair', image('flair'), '--model', largest, '--out', out('as-read')],
      ...['--brain-extracted', '--json', ...asRead],
    ]);
    expect([exitCode, exitCode === 0 || stderr]).toEqual([0, true]);
    const findings = JSON.parse(stdout);
    expect(findings.settings).toMatchObject({
      segmenterSettings: { preparation: 'none', mirrorings: 1 },
      lesionRule: { keepLargest: true },
      registered: true,
    });
    expect(findings.lesionCount).toBe(1);
    expect(findings.notes).toContainEqual({
      severity: 'info',
      code: 'sequence-not-used',
      values: { label: 'T2', channels: 'flair' },
      text: 'The T2 is not used: the model takes flair.',
    });
  });

  it.each([
    ['images on several grids', ['--t1', image('coarse')], 4, 'on the grid of the FLAIR'],
    ['another method', ['--segmenter', 'lesions'], 2, '--no-preparation together with'],
  ])('refuses --no-preparation for %s', async (_, more, code, message) => {
    const chosen = more.includes('--segmenter') ? [] : ['--model', model];
    const { exitCode, stderr } = await dawson([
      ...['segment', '--flair', image('flair'), '--no-preparation', '--out', out('no')],
      ...['--ignore-quality', '--brain-extracted', ...chosen, ...more],
    ]);
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(message)]);
    expect(stderr).not.toContain('find the brain');
  });

  it('names a sequence that the model cannot do without, before it reads the images', async () => {
    const model = await makeModel({ channels: ['FLAIR', 'T1'], optional: [] });
    const { exitCode, stderr } = await segment(model, 'd');
    expect(exitCode).toBe(4);
    expect(stderr).toContain('an exam without T1');
    expect(stderr).toContain('choose a model');
    expect(stderr).not.toContain('✓ read');
    expect(existsSync(out('d'))).toBe(false);
  });

  it('refuses a model with a changed file', async () => {
    const model = await makeModel(threeChannels);
    const file = join(model, 'plans.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"batch_size": 2', '"batch_size": 3'));
    const { exitCode, stderr } = await segment(model, 'e');
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/plans\.json: expected the \d+ bytes .*; found other contents/);
  });

  it('refuses weights that do not fit the plans', async () => {
    const wide = await makeModel({ ...threeChannels, features: [3, 2] });
    const narrow = await makeModel(threeChannels);
    const name = 'fold_0.safetensors';
    writeFileSync(join(narrow, name), readFileSync(join(wide, name)));
    const described = (model: string) =>
      JSON.parse(readFileSync(join(model, 'model.json'), 'utf8'));
    const card = described(narrow);
    card.files[name] = described(wide).files[name];
    writeFileSync(join(narrow, 'model.json'), JSON.stringify(card));
    const { exitCode, stderr } = await segment(narrow, 'f');
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/fold_0\.safetensors: expected .* of shape \[2,3,3,3,3\]; found \[3,3/);
  });

  it('says how much memory a patch asks for, and which setting lowers it', async () => {
    const model = await makeModel({
      ...threeChannels,
      patch: [512, 512, 512],
      features: [128, 2],
    });
    const { exitCode, stderr } = await segment(model, 'g');
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/expected [\d.]+ GiB of memory for one run/);
    expect(stderr).toContain('memory budget');
  });

  it.each(['webgpu', 'cuda'])('works on %s, or says how to get it', async (device) => {
    const model = await makeModel(threeChannels);
    const { exitCode, stderr } = await segment(model, device, '--device', device);
    if (exitCode === 0) return;
    expect(exitCode).toBe(7);
    expect(stderr).toContain(`provider ${device}`);
    expect(stderr).toMatch(/Install|run "npm rebuild/);
    expect(existsSync(out(device))).toBe(false);
  });

  it.each([
    ['a model for LST-LGA', ['--model', 'x', '--segmenter', 'lst-lga']],
    ['nnunet without a model', ['--segmenter', 'nnunet']],
    ['an unknown device', ['--device', 'tpu']],
    ['half a thread', ['--threads', '0.5']],
  ])('refuses %s', async (_, args) => {
    const { exitCode } = await dawson([
      ...['segment', '--flair', image('flair'), '--out', out('h'), ...args],
    ]);
    expect(exitCode).toBe(2);
  });

  it('says that a folder holds no model', async () => {
    const { exitCode, stderr } = await segment(folder, 'i');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('model.json');
  });
});

describe('dawson model show', () => {
  it('prints network, cost, origin, rule and files', async () => {
    const text = await dawson(['model', 'show', model]);
    expect(text.exitCode).toBe(0);
    for (const part of [
      'bright 1.2.0',
      'FLAIR, T1w (may lack), T2 (may lack)',
      'PlainConvUNet, 2 levels',
      '56 x 72 x 64 voxels of 2 x 2 x 2 mm',
      'data: none: made by hand',
      'probability from 0.6, voxels that touch by a corner are one, larger than 20 mm3',
      `${await sha256OfFile(join(model, 'fold_1.safetensors'))}  fold_1.safetensors`,
    ]) {
      expect(text.stdout).toContain(part);
    }

    const { stdout } = await dawson(['model', 'show', model, '--json']);
    const summary = JSON.parse(stdout);
    // Convolutions 3-2 and 2-2 (stride 2), upsampling 2-2, convolution 4-2, and 2-2 of one voxel.
    const parameters = 27 * 6 + 27 * 4 + 8 * 4 + 27 * 8 + 4 + 6 * 2 + 6 * 2;
    expect(summary.network.parameters).toBe(parameters - 2);
    expect(summary).toMatchObject({ folds: 2, mirrorings: 8, classes: ['lesion'] });
    const voxels = 56 * 72 * 64;
    const convolutions = 2 * voxels * (27 * 6 + (27 * 4) / 8 + 4 + 27 * 8 + 4);
    expect(summary.costPerPatch.gflop).toBeGreaterThan(convolutions / 1e9);
    expect(summary.costPerPatch.gflop).toBeLessThan((1.5 * convolutions) / 1e9);
    expect(summary.costPerPatch.memoryBytes).toBeGreaterThan(4 * voxels * 6);
    expect(Object.keys(summary.files)).toHaveLength(4);
  });

  it('does not let the texts of a model steer the terminal', async () => {
    const model = await makeModel(threeChannels);
    const file = join(model, 'model.json');
    const card = JSON.parse(readFileSync(file, 'utf8'));
    card.training.data = '\u001b[2Jgone';
    writeFileSync(file, JSON.stringify(card));
    const { stdout } = await dawson(['model', 'show', model]);
    expect(stdout).toContain('gone');
    expect(stdout).not.toContain('\u001b');
  });

  it('refuses a changed model', async () => {
    const model = await makeModel(threeChannels);
    writeFileSync(join(model, 'dataset.json'), '{}');
    const { exitCode, stderr } = await dawson(['model', 'show', model, '--json']);
    expect(exitCode).toBe(3);
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'bad-model' });
  });
});

describe('dawson model import', () => {
  const saved = fileURLToPath(new URL('../goldens/segment/nnunet-model', import.meta.url));

  it('makes a model folder of what nnU-Net saved, and says what is in it', async () => {
    const result = await dawson([
      ...['model', 'import', saved, '--out', out('imported'), '--orientation', 'LPS'],
      ...['--name', 'ours', '--channels', 'FLAIR,T2', '--json'],
    ]);
    expect([result.exitCode, result.stderr]).toEqual([0, '']);
    expect(JSON.parse(result.stdout)).toMatchObject({
      name: 'ours',
      channels: [{ name: 'FLAIR' }, { name: 'T2' }],
      folds: 2,
    });
    expect(existsSync(join(out('imported'), 'model.json'))).toBe(true);
  });

  it('tells several classes apart: lesions are what has the label of a lesion', async () => {
    const importing = ['model', 'import', saved, '--out', out('classes'), '--orientation', 'RAS'];
    expect((await dawson([...importing, '--lesions', 'lesion'])).exitCode).toBe(0);
    // A slab through the lesions: the model looks through small windows.
    const [nx, ny] = exam.flair.size;
    const slab = { first: [0, 0, 20], size: [nx, ny, 16] } as const;
    for (const name of ['flair', 't1'] as const) {
      await writeNifti(image(`slab-${name}`), cropTo(exam[name], slab));
    }
    const { exitCode, stdout, stderr } = await dawson([
      ...['segment', '--flair', image('slab-flair'), '--t1', image('slab-t1'), '--no-mirror'],
      ...['--brain-extracted', '--registered', '--model', out('classes'), '--no-report', '--json'],
      ...['--out', out('of-classes')],
    ]);
    expect([exitCode, exitCode === 0 || stderr]).toEqual([0, true]);
    const findings = JSON.parse(stdout);
    expect(findings.settings.lesionRule).toMatchObject({ byClass: true });
    expect(findings.settings.segmenterSettings).toMatchObject({
      'label 1': 'lesion',
      'label 2': 'other',
      lesionLabels: '1',
    });
    const read = async (name: string) =>
      (await readVolume(join(out('of-classes'), `${name}.nii.gz`))).volume.data;
    const [labels, mask, first, second] = await Promise.all(
      ['classes', 'lesions', 'class-1', 'class-2'].map(read),
    );
    expect(new Set(labels).size).toBe(3);
    let wrong = 0;
    for (let at = 0; at < labels.length; at++) {
      if ((labels[at] === 1) !== (mask[at] === 1)) wrong++;
      if (labels[at] === 2 && first[at] > second[at]) wrong++;
    }
    expect(wrong).toBe(0);
  });

  it.each([
    ['without an orientation', []],
    ['with an orientation that is none', ['--orientation', 'RLS']],
  ])('is refused %s', async (_, args) => {
    const result = await dawson(['model', 'import', saved, '--out', out('no'), ...args]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('dawson info IMAGE');
    expect(existsSync(out('no'))).toBe(false);
  });
});
