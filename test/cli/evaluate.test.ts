import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inTemporaryFolder, writeTinyCohort } from '../evaluate/mask-files.js';

const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));

function dawson(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

describe('dawson evaluate', () => {
  it('prints one pair as one JSON object', () =>
    inTemporaryFolder(async (folder) => {
      const { references, predictions } = await writeTinyCohort(folder, 1);
      const { code, stdout, stderr } = await dawson(
        ...['evaluate', '--reference', join(references, 'case-0.nii.gz')],
        ...['--prediction', join(predictions, 'case-0.nii.gz'), '--json'],
      );
      expect([code, stderr]).toEqual([0, '']);
      const result = JSON.parse(stdout);
      expect(result.dsc).toBeGreaterThan(0);
      expect(result.lesionwise).toMatchObject({
        definition: 'anima',
        connectivity: 6,
        minimumMm3: 3,
      });
      expect(result.volumes.referenceMl).toBeGreaterThan(0);
    }));

  it('writes the report of a cohort, the same each time, and replaces its own report only', () =>
    inTemporaryFolder(async (folder) => {
      const { references, predictions } = await writeTinyCohort(folder, 4);
      const run = (out: string) =>
        dawson(
          ...['evaluate', '--references', references, '--predictions', predictions],
          ...['--definition', 'any-overlap', '--minimum-mm3', '2', '--out', out, '--quiet'],
        );
      const [first, second] = [join(folder, 'first'), join(folder, 'second')];
      expect((await run(first)).code).toBe(0);
      expect((await run(second)).code).toBe(0);
      expect((await run(first)).code).toBe(0);
      const names = await readdir(first);
      expect(names).toContain('report.html');
      expect(await readdir(second)).toEqual(names);
      for (const name of names) {
        const [a, b] = [await readFile(join(first, name)), await readFile(join(second, name))];
        expect(a.equals(b), name).toBe(true);
      }
      const foreign = await run(references);
      expect(foreign.code).toBe(5);
      expect(await readdir(references)).toHaveLength(4);
    }));

  it.each([
    ['a pair without prediction', ['--reference', 'x.nii']],
    ['a cohort without --out', ['--references', 'x', '--predictions', 'y']],
    ['a pair and a cohort', ['--reference', 'x', '--prediction', 'y', '--references', 'z']],
    ['an unknown definition', ['--definition', 'best']],
    [
      'a minimum where the definition has one',
      ['--reference', 'x', '--prediction', 'y', '--minimum-mm3', '3'],
    ],
  ])('refuses %s', async (_what, args) => {
    expect((await dawson('evaluate', ...args)).code).toBe(2);
  });

  it('says which file cannot be read', async () => {
    const { code, stderr } = await dawson(
      ...['evaluate', '--reference', 'no-such.nii', '--prediction', 'no-such.nii', '--json'],
    );
    expect(code).toBe(3);
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'file-not-found', file: 'no-such.nii' });
  });
});

describe('dawson compare', () => {
  it('tests sets against references, and measures readers without them', () =>
    inTemporaryFolder(async (folder) => {
      const { references, predictions } = await writeTinyCohort(folder, 4);
      const sets = await dawson(
        ...['compare', predictions, references, '--references', references],
        ...['--out', join(folder, 'sets'), '--json'],
      );
      expect(sets.code).toBe(0);
      expect(JSON.parse(sets.stdout).sets).toEqual(['predictions', 'references']);
      const readers = await dawson(
        ...['compare', predictions, references, '--out', join(folder, 'readers'), '--json'],
      );
      expect(readers.code).toBe(0);
      expect(JSON.parse(readers.stdout).agreements).toHaveLength(1);
      expect(await readdir(join(folder, 'readers'))).toContain('table-readers.tex');
    }));

  it('lists what is missing in any of the folders, at once', () =>
    inTemporaryFolder(async (folder) => {
      const { references, predictions } = await writeTinyCohort(folder, 3);
      await rm(join(predictions, 'case-0.nii.gz'));
      await rm(join(references, 'case-2.nii.gz'));
      const { code, stderr } = await dawson(
        ...['compare', predictions, references, '--out', join(folder, 'out')],
      );
      expect(code).toBe(4);
      expect(stderr).toContain(`case-0: no file in ${predictions}`);
      expect(stderr).toContain(`case-2: no file in ${references}`);
    }));

  it('needs two different folders', async () => {
    expect((await dawson('compare', 'a', '--out', 'b')).code).toBe(2);
    expect((await dawson('compare', 'a', 'a', '--out', 'b')).code).toBe(2);
  });
});
