import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readNifti, writeNifti } from '../../src/formats/index.js';
import { onGrid, type Volume } from '../../src/volume/volume.js';
import { dawson } from '../support/dawson.js';

const findingsOf = (out: string) => JSON.parse(readFileSync(join(out, 'findings.json'), 'utf8'));

/** Segments a FLAIR, with other sequences where there are such options, into a folder. */
export async function segmentFlair(
  flair: string,
  out: string,
  others: readonly string[] = [],
): Promise<void> {
  const { exitCode, stderr } = await dawson([
    ...['segment', '--flair', flair, ...others, '--out', out, '--no-report'],
  ]);
  expect(stderr).not.toContain('expected');
  expect(exitCode).toBe(0);
}

const maskIn = async (out: string, name: string) =>
  (await readNifti(join(out, `${name}.nii.gz`))).volume.data as Uint8Array;

function dice(a: Uint8Array, b: Uint8Array): number {
  let [both, sum] = [0, 0];
  for (let voxel = 0; voxel < a.length; voxel++) {
    both += a[voxel] & b[voxel];
    sum += a[voxel] + b[voxel];
  }
  return (2 * both) / sum;
}

export const changed = (volume: Volume, change: (value: number) => number) =>
  onGrid(volume, Float32Array.from(volume.data, change));

/**
 * Segments a FLAIR with another zero and one voxel of 1e7 in its brain: the same lesions are found as in
 * the FLAIR itself, and both is named.
 * @param asTaken the result folder of the FLAIR itself
 * @param folder where to write
 * @param others options of the other sequences, of both
 */
export async function expectTheSameOfSpoilt(
  flair: string,
  asTaken: string,
  folder: string,
  others: readonly string[] = [],
): Promise<void> {
  const brain = await maskIn(asTaken, 'brain');
  const spoilt = changed((await readNifti(flair)).volume, (value) => value - 1024);
  spoilt.data[brain.indexOf(1, brain.length / 2)] = 1e7;
  const [file, out] = [join(folder, 'spoilt.nii.gz'), join(folder, 'spoilt')];
  await writeNifti(file, spoilt);
  await segmentFlair(file, out, others);
  const [found, expected] = [await maskIn(out, 'lesions'), await maskIn(asTaken, 'lesions')];
  expect(dice(found, expected)).toBeGreaterThanOrEqual(0.98);
  const { quality, notes } = findingsOf(out);
  expect(quality).toContainEqual(
    expect.objectContaining({ code: 'outliers', severity: 'warning', sequence: 'flair' }),
  );
  expect(notes.map(({ text }: { text: string }) => text)).toContain(
    'FLAIR: -1024 is its darkest intensity and is taken as 0.',
  );
}
