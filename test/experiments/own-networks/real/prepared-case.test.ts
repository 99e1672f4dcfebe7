import { mkdirSync, readdirSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import {
  listCases,
  preparedCase,
} from '../../../../src/experiments/own-networks/real/prepared-case.js';
import { writeNifti } from '../../../../src/formats/index.js';
import { onesWhere, onGrid, type Size, voxelCount } from '../../../../src/volume/volume.js';
import { WorkerPool } from '../../../../src/workers.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const pool = new WorkerPool(1);
const run = {
  pool,
  stage: <T>(_: string, work: (done: () => void) => Promise<T>) => work(() => {}),
};
afterAll(() => pool.close());

const size: Size = [64, 72, 60];
const affine = [2.4, 0, 0, -76, 0, 2.4, 0, -86, 0, 0, 2.4, -72, 0, 0, 0, 1] as const;

/** A brain with ventricles, as if cut out of its head. */
function brainImage(scale: number) {
  const data = new Float32Array(voxelCount(size)).map((_, at) => {
    const [x, y, z] = [at % 64, Math.floor(at / 64) % 72, Math.floor(at / (64 * 72))];
    const r = Math.hypot((x - 32) / 27, (y - 36) / 33, (z - 30) / 26);
    return r < 1 ? scale * (r < 0.25 ? 20 : 100 + 8 * Math.sin(x * y + z)) : 0;
  });
  return onGrid({ size, affine }, data);
}

async function writeCase(
  inFolder: (...path: string[]) => string,
  name: string,
  lesionAffine: typeof affine | readonly number[] = affine,
) {
  mkdirSync(inFolder('site', name), { recursive: true });
  const file = (image: string) => inFolder('site', name, `${image}.nii.gz`);
  const flair = brainImage(1);
  await writeNifti(file('flair'), flair);
  await writeNifti(file('t1'), brainImage(1.3));
  const lesions = onesWhere(flair.data, (_, at) => at % 64 === 20 && at > 60_000 && at < 62_000);
  await writeNifti(
    file('lesions'),
    onGrid({ size, affine: lesionAffine as unknown as typeof affine }, lesions),
  );
  return inFolder('site', name);
}

describe('real cases from folders', () => {
  it('are those with a FLAIR and lesions; each is prepared once', async () => {
    const inFolder = temporaryFolder();
    const folder = await writeCase(inFolder, 'a');
    mkdirSync(inFolder('site', 'empty'), { recursive: true });
    expect(await listCases(inFolder('site'))).toEqual([folder]);
    const cache = inFolder('cache');
    const first = await preparedCase(folder, cache, undefined, run);
    expect(first).toMatchObject({ name: 'a', site: 'site' });
    expect(Object.keys(first.exam).sort()).toEqual(['brain', 'flair', 't1']);
    expect(first.experts.data.reduce((sum, value) => sum + value, 0)).toBeGreaterThan(20);
    const [file] = readdirSync(cache);
    await utimes(inFolder('cache', file), 1, 1);
    expect(await preparedCase(folder, cache, undefined, run)).toEqual(first);
    expect(readdirSync(cache)).toEqual([file]);
  });

  it('need lesions on the grid of the FLAIR', async () => {
    const inFolder = temporaryFolder();
    const folder = await writeCase(inFolder, 'b', [...affine.slice(0, 3), -70, ...affine.slice(4)]);
    await expect(preparedCase(folder, inFolder('cache-b'), undefined, run)).rejects.toMatchObject({
      code: 'inputs-conflict',
    });
  });
});
