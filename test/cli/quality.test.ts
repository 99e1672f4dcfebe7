import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNifti, writeNifti } from '../../src/formats/index.js';
import type { Remark } from '../../src/remarks.js';
import { onGrid } from '../../src/volume/volume.js';
import { dawson, demoExam, temporaryFolder } from '../support/dawson.js';
import { writeThresholdModel } from '../support/threshold-model.js';

const folder = temporaryFolder();
const swapped = ['--flair', demoExam('t1'), '--t1', demoExam('flair')];

const qualityOf = (out: string): Remark[] =>
  JSON.parse(readFileSync(join(out, 'findings.json'), 'utf8')).quality;

describe('dawson segment', () => {
  it('refuses a T1 given as FLAIR, says what it looks like, and leaves nothing behind', async () => {
    const out = join(folder, 'swapped');
    const { exitCode, stderr } = await dawson(['segment', ...swapped, '--out', out]);
    expect(exitCode).toBe(4);
    expect(stderr).toContain(demoExam('t1'));
    expect(stderr).toContain('The FLAIR looks like a T1');
    expect(stderr).toContain('The T1 looks like a FLAIR');
    expect(stderr).toContain('--ignore-quality');
    expect(existsSync(out)).toBe(false);
  });

  it('segments it all the same with --ignore-quality, and says so in the findings', async () => {
    const out = join(folder, 'ignored');
    // The images are checked before a segmenter sees them: a small one does.
    const flairAlone = { channels: ['FLAIR'], optional: [] };
    const model = await writeThresholdModel((name) => join(folder, name), flairAlone);
    const { exitCode, stdout } = await dawson([
      ...['segment', '--flair', demoExam('t1'), '--out', out, '--ignore-quality'],
      ...['--model', model, '--no-mirror', '--no-report'],
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Severe: The FLAIR looks like a T1');
    expect(qualityOf(out)).toContainEqual(
      expect.objectContaining({ code: 'wrong-sequence', sequence: 'flair', severity: 'severe' }),
    );
  });

  it('refuses a single slice: no head can be seen in it', async () => {
    const { volume } = await readNifti(demoExam('flair'));
    const [nx, ny] = volume.size;
    const slice = join(folder, 'slice.nii.gz');
    await writeNifti(slice, {
      ...onGrid(
        { size: [nx, ny, 1], affine: volume.affine },
        volume.data.slice(nx * ny * 20, nx * ny * 21),
      ),
    });
    const { exitCode, stderr } = await dawson([
      ...['segment', '--flair', slice, '--out', join(folder, 'x')],
    ]);
    expect(exitCode).toBe(6);
    expect(stderr).toContain(slice);
    expect(stderr).toMatch(/expected .*; found /);
  });
});
