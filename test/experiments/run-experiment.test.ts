import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { experimentReport } from '../../src/experiments/experiment-report.js';
import {
  checkExperiment,
  readExperimentResult,
  runExperiment,
} from '../../src/experiments/run-experiment.js';
import { readVolume, writeNifti } from '../../src/formats/index.js';
import type { Engine } from '../../src/jobs/index.js';
import { seededRandom } from '../../src/volume/random.js';
import { maskWhere } from '../../src/volume/volume.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const size = [12, 12, 8] as const;
const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as const;

/** A training set of cubes: lesions are brighter by more than the noise, and a cohort table. */
async function cubes(count: number, path: (...names: string[]) => string): Promise<string> {
  for (const part of ['imagesTr', 'labelsTr']) mkdirSync(path('set', part), { recursive: true });
  const rows = ['case,patient,scanner,split'];
  for (let at = 0; at < count; at++) {
    const random = seededRandom(at + 1);
    const width = 2 + (at % 4);
    const labels = maskWhere({ size, affine, data: new Uint8Array(1152) }, (_, voxel) => {
      const [i, j, k] = [voxel % 12, Math.floor(voxel / 12) % 12, Math.floor(voxel / 144)];
      return [i, j, k].every((index) => index >= 2 && index < 2 + width);
    });
    const data = Float32Array.from(labels.data, (label) => 100 * label + 80 * random.uniform());
    for (const channel of ['0000', '0001']) {
      await writeNifti(path('set', 'imagesTr', `c${at}_${channel}.nii.gz`), { size, affine, data });
    }
    await writeNifti(path('set', 'labelsTr', `c${at}.nii.gz`), labels);
    rows.push(`c${at},p${at},${'AB'[at % 2]},${at < count - 4 ? 'train' : 'test'}`);
  }
  writeFileSync(path('set', 'cohort.csv'), rows.join('\n'));
  const description = {
    channel_names: { 0: 'FLAIR', 1: 'T1' },
    labels: { background: 0, lesion: 1 },
    file_ending: '.nii.gz',
  };
  writeFileSync(path('set', 'dataset.json'), JSON.stringify(description));
  return path('experiment.json');
}

const declared = {
  schema: 'dawson-experiment',
  schemaVersion: 1,
  name: 'Cubes',
  dataset: 'set',
  cohort: 'set/cohort.csv',
  holdOut: { column: 'split', value: 'test' },
  training: { epochs: 3, stepsPerEpoch: 4 },
  definition: 'any-overlap',
  questions: [
    { kind: 'cross-validation', folds: 2, stratify: 'scanner' },
    { kind: 'leave-one-out', column: 'scanner' },
    { kind: 'subset', fractions: [0.5, 1], repeats: 2, stratify: 'scanner' },
    { kind: 'channels', without: 'T1' },
    { kind: 'compare', name: 'LST-LGA', segmenter: 'lst-lga' },
  ],
};

/** Trains a threshold that is the better the more cases there are; can be killed at a command. */
function thresholdEngine(killAt = Number.POSITIVE_INFINITY) {
  const ran: string[] = [];
  const engine: Engine = {
    run: async (command, signal) => {
      const given = (option: string) => command[command.indexOf(option) + 1];
      if (ran.length === killAt)
        throw new DawsonError('internal', { expected: 'life', found: 'death' });
      ran.push(command[0]);
      signal?.throwIfAborted();
      const out = given('--out');
      mkdirSync(out, { recursive: true });
      if (command[0] === 'plan') writeFileSync(join(out, 'plans.json'), '{}');
      if (command[0] === 'train') {
        const cases = readdirSync(join(command[1], 'labelsTr')).length;
        mkdirSync(join(out, 'model_all'), { recursive: true });
        mkdirSync(join(out, 'cache'), { recursive: true });
        mkdirSync(join(out, 'fold_all'), { recursive: true });
        writeFileSync(join(out, 'cache', 'case'), 'x'.repeat(1000));
        writeFileSync(join(out, 'model_all', 'threshold'), String(85 - 90 / cases));
        const record = {
          epoch: 0,
          learningRate: 0.01,
          trainingLoss: 1,
          seconds: 3,
          waitingSeconds: 0,
        };
        writeFileSync(join(out, 'fold_all', 'log.jsonl'), `${JSON.stringify(record)}\n`);
      }
      if (command[0] === 'segment') {
        const isModel = command.includes('--model');
        const threshold = isModel
          ? Number(readFileSync(join(given('--model'), 'threshold'), 'utf8'))
          : 60;
        const { volume } = await readVolume(given('--flair'));
        const mask = maskWhere(volume, (value) => value > threshold);
        await writeNifti(join(out, 'lesions.nii.gz'), mask);
      }
      return undefined;
    },
  };
  return { engine, ran };
}

const bytesOf = (files: ReadonlyMap<string, string | Uint8Array>) =>
  [...files]
    .map(([name, content]) => `${name} ${Buffer.from(content).toString('base64')}`)
    .join('\n');

describe('an experiment', () => {
  it('is the same, whether it ran through or was killed at any command', async () => {
    const path = temporaryFolder();
    const file = await cubes(14, path);
    writeFileSync(file, JSON.stringify(declared));
    const through = thresholdEngine();
    const result = await runExperiment(file, path('a'), { engine: through.engine, slots: 2 });
    expect(result.failures).toEqual([]);
    // All (which is the whole of the last fraction too), 2 folds, 2 left out, 2 halves, without T1.
    expect(through.ran.filter((name) => name === 'train')).toHaveLength(8);
    const report = await experimentReport(result);
    expect([...report.keys()]).toEqual(
      expect.arrayContaining([
        'table-4-systems.tex',
        'table-left-out.csv',
        'table-training-size.csv',
        'figure-2-lesion-load.png',
        'figure-3-scanners.svg',
        'figure-4-training-size.svg',
      ]),
    );
    const rows = String(report.get('table-training-size.csv')).trim().split('\n');
    expect(rows.slice(1).map((row) => row.split(',').slice(0, 3))).toEqual([
      ['50.0', '2', '6'],
      ['100.0', '2', '10'],
    ]);
    expect(String(report.get('table-left-out.csv'))).toContain('DSC,A,7,');
    expect(String(report.get('table-comparison.csv'))).toContain('LST-LGA');

    // Each goes on where the one before was killed.
    for (const killAt of [0, 1, 5, 9, 20]) {
      const mortal = thresholdEngine(killAt);
      const run = runExperiment(file, path('b'), { engine: mortal.engine, slots: 1 });
      await expect(run).rejects.toMatchObject({ code: 'internal' });
    }
    const rest = thresholdEngine();
    const again = await runExperiment(file, path('b'), { engine: rest.engine, slots: 2 });
    expect(bytesOf(await experimentReport(again))).toBe(bytesOf(report));
    const read = await readExperimentResult(file, path('b'));
    expect(bytesOf(await experimentReport(read))).toBe(bytesOf(report));
  });

  it('keeps its threads and links when it goes on, and plans no network that starts from another', async () => {
    const path = temporaryFolder();
    const file = await cubes(10, path);
    mkdirSync(path('model'));
    const training = { ...declared.training, init: 'model' };
    writeFileSync(
      file,
      JSON.stringify({ ...declared, training, questions: [declared.questions[3]] }),
    );
    const threads: string[] = [];
    const { engine, ran } = thresholdEngine();
    const counting: Engine = {
      run: (command, signal) => {
        if (command[0] === 'train') threads.push(command[command.indexOf('--threads') + 1]);
        return engine.run(command, signal);
      },
    };
    await runExperiment(file, path('out'), { engine: counting, slots: 1 });
    expect(ran).not.toContain('plan');
    const links = () =>
      readdirSync(path('out', 'datasets'), { recursive: true })
        .map((name) => path('out', 'datasets', String(name)))
        .filter((name) => lstatSync(name).isSymbolicLink())
        .map((name) => lstatSync(name).ino);
    const before = links();
    expect(before.length).toBeGreaterThan(10);
    rmSync(path('out', 'work'), { recursive: true });
    const slots = availableParallelism();
    await runExperiment(file, path('out'), { engine: counting, slots });
    expect(links()).toEqual(before);
    expect(threads).toHaveLength(4);
    expect(new Set(threads).size).toBe(1);
  });

  it('says what no longer counts when the file changed, and does only what is new', async () => {
    const path = temporaryFolder();
    const file = await cubes(10, path);
    const [, , subset, channels] = declared.questions;
    writeFileSync(file, JSON.stringify({ ...declared, questions: [channels] }));
    await runExperiment(file, path('out'), { engine: thresholdEngine().engine });
    writeFileSync(file, JSON.stringify({ ...declared, questions: [subset] }));
    const { engine, ran } = thresholdEngine();
    const { outdated } = await runExperiment(file, path('out'), { engine });
    expect(ran.filter((name) => name === 'train')).toHaveLength(2);
    // The plan, the training and the four exams of the network without T1.
    expect(outdated).toHaveLength(6);
  });

  it('tells what it takes before it starts, and writes nothing', async () => {
    const path = temporaryFolder();
    const file = await cubes(14, path);
    writeFileSync(file, JSON.stringify(declared));
    const plan = await checkExperiment(file, path('out'), {
      engine: thresholdEngine().engine,
      slots: 2,
    });
    expect(plan).toMatchObject({ networks: 8, steps: 96, done: 0, secondsPerStep: 1.5, slots: 2 });
    // On the held-out four: all, 2 halves, without T1, LST-LGA; 10 by folds; 14 left out.
    expect(plan.exams).toBe(5 * 4 + 10 + 14);
    // And what it takes to plan and to prepare cases, which costs this engine next to nothing.
    const least = 96 * 1.5 + (44 * plan.secondsPerExam) / 2;
    expect(plan.seconds).toBeGreaterThanOrEqual(least);
    expect(plan.seconds).toBeLessThan(least + 5);
    expect(existsSync(path('out'))).toBe(false);
  });

  it('reports what could be done where a command fails, and refuses what it cannot run', async () => {
    const path = temporaryFolder();
    const file = await cubes(10, path);
    writeFileSync(file, JSON.stringify({ ...declared, questions: declared.questions.slice(3) }));
    const { engine } = thresholdEngine();
    const lame: Engine = {
      run: async (command, signal) =>
        command.includes('lst-lga')
          ? { code: 'segmentation-failed', reason: 'Too dark.' }
          : engine.run(command, signal),
    };
    const result = await runExperiment(file, path('out'), { engine: lame });
    expect(result.failures).toHaveLength(4);
    const report = await experimentReport(result);
    expect(String(report.get('table-failures.csv'))).toContain('Too dark.');
    expect(String(report.get('table-4-systems.csv'))).toContain('Without T1');

    for (const [change, expected] of [
      [{ questions: [{ kind: 'leave-one-out' }] }, 'column'],
      [{ definition: 'mine' }, 'definition'],
      [{ training: { epochs: 3 } }, 'stepsPerEpoch'],
    ] as const) {
      writeFileSync(file, JSON.stringify({ ...declared, ...change }));
      await expect(runExperiment(file, path('other'), { engine })).rejects.toMatchObject({
        code: 'bad-experiment',
        details: { found: expect.stringContaining(expected) },
      });
    }
    mkdirSync(dirname(path('full', 'mine')), { recursive: true });
    writeFileSync(path('full', 'mine'), '');
    writeFileSync(file, JSON.stringify(declared));
    await expect(runExperiment(file, path('full'), { engine })).rejects.toMatchObject({
      code: 'output-exists',
    });
  });
});
