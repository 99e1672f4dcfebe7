import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeNifti } from '../../src/formats/index.js';
import type { Head } from '../../src/synthesize/head.js';
import {
  listHeads,
  prepareHead,
  prepareHeads,
  readLesionLibrary,
} from '../../src/synthesize/prepare-heads.js';
import { dawson, temporaryFolder } from '../support/dawson.js';
import { phantomLabels, phantomLibrary, phantomMasks, smallPose } from './phantom.js';

const folder = temporaryFolder();
const data = join(folder, 'data');
const cache = join(folder, 'cache');
const labelMap = join(data, 'heads', 'head-1.nii.gz');

beforeAll(async () => {
  mkdirSync(join(data, 'heads'), { recursive: true });
  mkdirSync(join(data, 'lesions'));
  await writeNifti(labelMap, phantomLabels(smallPose));
  for (const [n, mask] of phantomMasks.entries()) {
    await writeNifti(join(data, 'lesions', `person-${n + 1}.nii.gz`), mask);
  }
});

function expectSame(a: Head, b: Head): void {
  expect([a.name, a.brainCentreMm, a.toLesionSpace]).toEqual([
    b.name,
    b.brainCentreMm,
    b.toLesionSpace,
  ]);
  for (const volume of ['tissues', 'brainDistance', 'ventricleDistance'] as const) {
    expect(a[volume].size).toEqual(b[volume].size);
    expect(Buffer.from(a[volume].data).equals(Buffer.from(b[volume].data)), volume).toBe(true);
  }
}

describe('prepared heads', () => {
  it('are the same when read from the cache as when they were made', async () => {
    const made = await prepareHead(labelMap, cache);
    expect(readdirSync(join(cache, 'head-1')).sort()).toEqual([
      'brain-distance.nii.gz',
      'head.json',
      'tissues.nii.gz',
      'ventricle-distance.nii.gz',
    ]);
    expectSame(await prepareHead(labelMap, cache), made);
    const [only] = await prepareHeads(data, cache);
    expectSame(only, made);
  });

  it('are made anew when the label map has changed, or when preparation was stopped half-way', async () => {
    rmSync(join(cache, 'head-1', 'head.json'));
    rmSync(join(cache, 'head-1', 'tissues.nii.gz'));
    const again = await prepareHead(labelMap, cache);
    const turned = phantomLabels(smallPose);
    await writeNifti(labelMap, { ...turned, data: turned.data.map((v) => (v === 515 ? 516 : v)) });
    expectSame(await prepareHead(labelMap, cache), again);
    const moved = [...smallPose] as unknown as [...typeof smallPose];
    await writeNifti(labelMap, phantomLabels(moved.with(3, 12) as unknown as typeof smallPose));
    const other = await prepareHead(labelMap, cache);
    expect(other.brainCentreMm[0]).not.toBeCloseTo(again.brainCentreMm[0], 0);
  });

  it('come from a folder with label maps, in the order of their names', async () => {
    expect(await listHeads(data)).toEqual([labelMap]);
    await expect(listHeads(join(folder, 'nothing'))).rejects.toMatchObject({
      code: 'file-not-found',
    });
  });

  it('go with the lesions of all masks of the folder', async () => {
    const library = await readLesionLibrary(data);
    expect(library.shapes).toEqual(phantomLibrary().shapes);
    await expect(readLesionLibrary(folder)).rejects.toMatchObject({ code: 'file-not-found' });
  });
});

describe('dawson synthesize', () => {
  it('writes an exam with its truth, parameters and preview', async () => {
    const out = join(folder, 'exam');
    const args = ['synthesize', '--data', data, '--cache', cache, '--out', out, '--json'];
    // Two sequences of thick slices.
    const first = await dawson([...args, '--seed', '27', '--preview']);
    expect(first.stderr).toBe('');
    expect(first.exitCode).toBe(0);
    const { sequences, head, seed } = JSON.parse(first.stdout);
    expect([head, seed]).toEqual(['head-1', 27]);
    expect(readdirSync(out).sort()).toEqual(
      [
        ...sequences.map((name: string) => `${name}.nii.gz`),
        'parameters.json',
        'preview.png',
        'truth.nii.gz',
      ].sort(),
    );
  });

  it('refuses a seed that is no whole number, and a folder that holds something else', async () => {
    const args = ['synthesize', '--data', data, '--cache', cache];
    const wrongSeed = await dawson([...args, '--seed', '1.5', '--out', join(folder, 'new')]);
    expect([wrongSeed.exitCode, wrongSeed.stderr]).toEqual([2, expect.stringContaining('1.5')]);
    const foreign = await dawson([...args, '--seed', '1', '--out', data]);
    expect(foreign.exitCode).toBe(5);
    expect(readdirSync(data).sort()).toEqual(['heads', 'lesions']);
  });
});
