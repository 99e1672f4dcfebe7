import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeNifti } from '../../src/formats/index.js';
import type { Mask, Volume } from '../../src/volume/volume.js';
import { tinyPair } from './perturb.js';

/** A folder that is removed after `body`. */
export async function inTemporaryFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'dawson-evaluate-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function writeMasks(
  folder: string,
  masks: Readonly<Record<string, Volume>>,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, mask] of Object.entries(masks)) await writeNifti(join(folder, name), mask);
  return folder;
}

const kinds = ['shift', 'erode', 'drop+add', 'ragged', 'merge', 'dilate', 'split', 'same'];

/** Pairs `case-0`, `case-1`, ... in the folders `references` and `predictions`. */
export async function writeTinyCohort(folder: string, count: number) {
  const references: Record<string, Mask> = {};
  const predictions: Record<string, Mask> = {};
  for (let index = 0; index < count; index++) {
    const [reference, prediction] = tinyPair({
      kind: kinds[index % kinds.length],
      seed: 300 + index,
      spacingMm: [1, 1, 1],
      swapped: false,
      voxels: [0, 0],
    });
    references[`case-${index}.nii.gz`] = reference;
    predictions[`case-${index}.nii.gz`] = prediction;
  }
  return {
    references: await writeMasks(join(folder, 'references'), references),
    predictions: await writeMasks(join(folder, 'predictions'), predictions),
  };
}
