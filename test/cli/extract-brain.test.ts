import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNifti } from '../../src/formats/index.js';
import { anatomyLabel, anatomyNames } from '../../src/volume/anatomy-labels.js';
import { nonZeroVolumeMl, sameGrid } from '../../src/volume/volume.js';
import { dawson, demoExam, temporaryFolder } from '../support/dawson.js';

const folder = temporaryFolder();

describe('dawson extract-brain', () => {
  it('writes the brain and its parts on the grid of the image', async () => {
    const [out, anatomy] = ['brain', 'anatomy'].map((name) => join(folder, `${name}.nii.gz`));
    const { exitCode, stdout } = await dawson([
      ...['extract-brain', demoExam('flair'), '--out', out, '--anatomy', anatomy, '--json'],
    ]);
    expect(exitCode).toBe(0);
    const image = (await readNifti(demoExam('flair'))).volume;
    const brain = (await readNifti(out)).volume;
    const parts = (await readNifti(anatomy)).volume;
    expect(sameGrid(brain, image) && sameGrid(parts, image)).toBe(true);
    expect(JSON.parse(stdout)).toMatchObject({
      brainVolumeMl: expect.closeTo(nonZeroVolumeMl(brain), 3),
      notes: [],
    });
    const countOf = new Map<number, number>();
    let outside = 0;
    for (let at = 0; at < parts.data.length; at++) {
      if (parts.data[at] !== 0 && brain.data[at] === 0) outside++;
      countOf.set(parts.data[at], (countOf.get(parts.data[at]) ?? 0) + 1);
    }
    expect(outside).toBe(0);
    for (const label of anatomyNames.keys()) expect(countOf.get(label)).toBeGreaterThan(100);
    expect(countOf.get(anatomyLabel.whiteMatter)!).toBeGreaterThan(
      countOf.get(anatomyLabel.ventricles)!,
    );
  });

  it('refuses a broken file and leaves nothing', async () => {
    const broken = join(folder, 'broken.nii.gz');
    writeFileSync(broken, 'no image');
    const out = join(folder, 'x.nii.gz');
    const { exitCode, stderr } = await dawson(['extract-brain', broken, '--out', out]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(broken);
    expect(existsSync(out)).toBe(false);
  });
});
