import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { writeNifti } from '../../src/formats/index.js';
import { seededRandom } from '../../src/volume/random.js';
import { dawson } from '../support/dawson.js';
import { drawnExam, scatteredBlobs } from '../support/report-exam.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));
const kills = 20;

it(`ends with the same report after ${kills} kills at random moments`, async () => {
  const at = temporaryFolder();
  await writeDataset(at('data'));
  writeFileSync(at('paper.json'), JSON.stringify(experiment));
  const run = (out: string) => ['experiment', 'run', at('paper.json'), '--out', at(out)];
  const startMs = performance.now();
  const { exitCode, stderr } = await dawson(run('whole'));
  expect([exitCode, exitCode === 0 || stderr]).toEqual([0, true]);
  const wholeMs = performance.now() - startMs;

  const random = seededRandom(36).uniform;
  const moments: string[] = [];
  while (moments.length < kills) {
    const child = spawn(process.execPath, [program, ...run('killed')], { stdio: 'ignore' });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    // What is done grows by about as much as a kill loses.
    const afterMs = 500 + (wholeMs / 6) * random();
    const first = await Promise.race([ended, wait(afterMs)]);
    expect(first, 'the experiment was done before all kills').not.toBe(0);
    child.kill('SIGKILL');
    await ended;
    moments.push(`${doneIn(at('killed', 'work'))} done after ${(afterMs / 1000).toFixed(0)} s`);
  }
  console.log(`${(wholeMs / 1000).toFixed(0)} s without kills; ${moments.join(', ')}`);
  expect((await dawson(run('killed'))).exitCode).toBe(0);
  expect(filesIn(at('killed', 'report'))).toEqual(filesIn(at('whole', 'report')));
});

const experiment = {
  schema: 'dawson-experiment',
  schemaVersion: 1,
  name: 'Drawn heads of two scanners',
  dataset: 'data',
  cohort: 'data/cohort.csv',
  holdOut: { column: 'split', value: 'test' },
  training: { memoryGb: 0.3, epochs: 1, stepsPerEpoch: 2, seed: 1 },
  questions: [
    { kind: 'cross-validation', folds: 2 },
    { kind: 'leave-one-out', column: 'scanner' },
    { kind: 'channels', without: 'T1' },
    { kind: 'compare', name: 'LST-LGA', segmenter: 'lst-lga' },
  ],
};

async function writeDataset(folder: string): Promise<void> {
  for (const part of ['imagesTr', 'labelsTr']) mkdirSync(join(folder, part), { recursive: true });
  const rows = ['case,patient,scanner,split'];
  for (let person = 0; person < 6; person++) {
    const name = `P${person}`;
    const blobs = scatteredBlobs(6, () => 7, person);
    const { flair, lesions, brain } = drawnExam({ blobs, withRegions: false });
    const inBrain = flair.data.map((value, voxel) => (brain.data[voxel] === 0 ? 0 : value));
    const image = (channel: number) => join(folder, 'imagesTr', `${name}_000${channel}.nii.gz`);
    await writeNifti(image(0), { ...flair, data: inBrain });
    const inverted = inBrain.map((value) => (value === 0 ? 0 : 200 - value));
    await writeNifti(image(1), { ...flair, data: inverted });
    await writeNifti(join(folder, 'labelsTr', `${name}.nii.gz`), lesions);
    rows.push(
      `${name},${name},${person % 2 === 0 ? 'Verio' : 'Prisma'},${person < 4 ? 'train' : 'test'}`,
    );
  }
  writeFileSync(join(folder, 'cohort.csv'), `${rows.join('\n')}\n`);
  const description = {
    channel_names: { 0: 'FLAIR', 1: 'T1' },
    labels: { background: 0, lesion: 1 },
    file_ending: '.nii.gz',
    numTraining: 6,
  };
  writeFileSync(join(folder, 'dataset.json'), JSON.stringify(description));
}

/** Records of commands that are done. */
function doneIn(work: string): number {
  try {
    return readdirSync(work).filter((name) => name.endsWith('.json')).length;
  } catch {
    return 0;
  }
}

const filesIn = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );
