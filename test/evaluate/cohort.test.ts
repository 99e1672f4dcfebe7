import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { evaluateCohort } from '../../src/evaluate/cohort.js';
import { parseCohort, readCohort } from '../../src/evaluate/cohort-table.js';
import { definitions } from '../../src/evaluate/definitions.js';
import { evaluateFiles, statedVoxelSizeMm } from '../../src/evaluate/evaluate-files.js';
import { readVolume } from '../../src/formats/index.js';
import { WorkerPool } from '../../src/workers.js';
import { inTemporaryFolder, writeMasks, writeTinyCohort } from './mask-files.js';
import { maskOfSize, tinyPair } from './perturb.js';

const pool = new WorkerPool(2);
afterAll(() => pool.close());
const anima = { definition: definitions.anima, resample: false };

async function failureOf(work: Promise<unknown>): Promise<DawsonError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(DawsonError);
  return error as DawsonError;
}

describe('a cohort', () => {
  it('is evaluated in the order of the names, as each pair alone', () =>
    inTemporaryFolder(async (folder) => {
      const source = await writeTinyCohort(folder, 5);
      const progress: number[] = [];
      const cases = await evaluateCohort(source, anima, {
        pool,
        onProgress: (done) => progress.push(done),
      });
      expect(cases.map(({ id }) => id)).toEqual(['case-0', 'case-1', 'case-2', 'case-3', 'case-4']);
      expect(progress).toEqual([1, 2, 3, 4, 5]);
      const files = {
        reference: join(source.references, 'case-3.nii.gz'),
        prediction: join(source.predictions, 'case-3.nii.gz'),
      };
      const { notes, ...evaluation } = await evaluateFiles(files, anima);
      expect(cases[3]).toMatchObject({ evaluation, notes });
    }));

  it('gives the same whatever the order in which its files were made', () =>
    inTemporaryFolder(async (folder) => {
      const source = await writeTinyCohort(folder, 5);
      const reversed = { references: join(folder, 'r'), predictions: join(folder, 'p') };
      for (const side of ['references', 'predictions'] as const) {
        await mkdir(reversed[side]);
        for (let index = 4; index >= 0; index--) {
          const name = `case-${index}.nii.gz`;
          await copyFile(join(source[side], name), join(reversed[side], name));
        }
      }
      expect(await evaluateCohort(reversed, anima, { pool })).toEqual(
        await evaluateCohort(source, anima, { pool }),
      );
    }));

  it('lists every case that is missing on a side or in the cohort file, or is there twice', () =>
    inTemporaryFolder(async (folder) => {
      const source = await writeTinyCohort(folder, 4);
      const twice = maskOfSize([4, 4, 4]);
      await rename(join(source.predictions, 'case-0.nii.gz'), join(folder, 'aside.nii.gz'));
      await rename(
        join(source.references, 'case-2.nii.gz'),
        join(source.references, 'other.nii.gz'),
      );
      await writeMasks(source.references, { 'case-1.nii': twice });
      const { rows } = parseCohort('case\ncase-1\nghost\n', 'cohort.csv');
      const { code, message } = await failureOf(
        evaluateCohort({ ...source, rows }, anima, { pool }),
      );
      expect(code).toBe('inputs-conflict');
      for (const problem of [
        '6 problems',
        `case-1: two files in ${source.references}`,
        `case-0: no file in ${source.predictions}`,
        `case-2: no file in ${source.references}`,
        `other: no file in ${source.predictions}`,
        'case-3: not in the cohort file',
        'ghost: in the cohort file, but without files',
      ]) {
        expect(message).toContain(problem);
      }
    }));

  it('lists every pair that is damaged, has another grid, or is no mask', () =>
    inTemporaryFolder(async (folder) => {
      const source = await writeTinyCohort(folder, 4);
      const probability = maskOfSize([20, 18, 12]);
      const half = { ...probability, data: new Float32Array(probability.data.length).fill(0.5) };
      await writeMasks(source.predictions, {
        'case-0.nii.gz': maskOfSize([20, 18, 11]),
        'case-1.nii.gz': half,
      });
      await writeFile(join(source.predictions, 'case-2.nii.gz'), 'not an image');
      const { message } = await failureOf(evaluateCohort(source, anima, { pool }));
      expect(message).toContain('20 x 18 x 11 voxels instead of 20 x 18 x 12');
      expect(message).toContain('also 0.5');
      expect(message).toContain('--resample');
      expect(message.match(/case-\d: /g)).toHaveLength(3);
    }));

  it('of empty folders, or of no folder, is refused', () =>
    inTemporaryFolder(async (folder) => {
      const source = { references: folder, predictions: folder };
      expect((await failureOf(evaluateCohort(source, anima, { pool }))).message).toContain(
        'no images',
      );
      const nowhere = { references: join(folder, 'x'), predictions: folder };
      expect((await failureOf(evaluateCohort(nowhere, anima, { pool }))).code).toBe(
        'file-not-found',
      );
    }));
});

describe('a pair of files', () => {
  it('on other grids is compared only when resampling is asked for', () =>
    inTemporaryFolder(async (folder) => {
      const [reference] = tinyPair({
        kind: 'same',
        seed: 1,
        spacingMm: [1, 1, 1],
        swapped: false,
        voxels: [0, 0],
      });
      const moved = { ...reference, affine: [...reference.affine] as never };
      (moved.affine as number[])[3] += 40;
      await writeMasks(folder, { 'r.nii': reference, 'p.nii': moved });
      const files = { reference: join(folder, 'r.nii'), prediction: join(folder, 'p.nii') };
      const failure = await failureOf(evaluateFiles(files, anima));
      expect(failure.code).toBe('inputs-conflict');
      expect(failure.message).toContain('up to 40.0 mm apart');
      const { dsc } = await evaluateFiles(files, { ...anima, resample: true });
      expect(dsc).toBe(0);
    }));

  it('takes 255 for lesions where a mask holds it and 0 alone', () =>
    inTemporaryFolder(async (folder) => {
      const ones = maskOfSize([3, 3, 3]);
      ones.data[13] = 1;
      const white = { ...ones, data: ones.data.map((value) => 255 * value) };
      const both = { ...ones, data: white.data.with(0, 1) };
      await writeMasks(folder, { 'r.nii': ones, 'p.nii': white, 'b.nii': both });
      const files = { reference: join(folder, 'r.nii'), prediction: join(folder, 'p.nii') };
      const { dsc, notes } = await evaluateFiles(files, anima);
      expect([dsc, notes]).toEqual([1, [expect.stringContaining('255 is taken as 1')]]);
      const failure = await failureOf(
        evaluateFiles({ ...files, prediction: join(folder, 'b.nii') }, anima),
      );
      expect(failure.code).toBe('not-a-mask');
    }));

  it('takes voxel sizes from the header in its own precision', () =>
    inTemporaryFolder(async (folder) => {
      const mask = maskOfSize([3, 3, 3]);
      const thin = { ...mask, affine: [...mask.affine] as never };
      (thin.affine as number[])[10] = 0.6;
      await writeMasks(folder, { 'm.nii': thin });
      const image = await readVolume(join(folder, 'm.nii'));
      expect(statedVoxelSizeMm(image)).toEqual([1, 1, Math.fround(0.6)]);
      const { volume } = image;
      expect(statedVoxelSizeMm({ volume })[2]).toBeCloseTo(0.6, 6);
    }));
});

describe('a cohort file', () => {
  it('gives numbers and words by column, empty fields left out', () => {
    const { rows } = parseCohort(
      'Case,scanner,age_years,edss\na-1,"Verio, new",34,\n',
      'cohort.csv',
    );
    expect(rows[0]).toEqual({ case: 'a-1', scanner: 'Verio, new', age_years: 34 });
  });

  it.each([
    ['tabs', 'case\tage_years\tscanner\na\t34.5\tVerio, new\n'],
    ['semicolons and decimal commas', 'case;age_years;scanner\na;34,5;"Verio, new"\n'],
    ['a byte-order mark', '\ufeffcase,age_years,scanner\na,34.5,"Verio, new"\n'],
    [
      'empty lines and lines of empty fields',
      'case,age_years,scanner\n\na,34.5,"Verio, new"\n,,\n',
    ],
    ['NA where nothing is known', 'case,edss,age_years,scanner\na,NA,34.5,"Verio, new"\n'],
    ['n/a as in BIDS', 'participant_id\tage\tedss\tscanner\na\t34.5\tn/a\tVerio, new\n'],
  ])('is read with %s', (_what, text) => {
    expect(parseCohort(text, 'cohort.csv')).toEqual({
      rows: [{ case: 'a', age_years: 34.5, scanner: 'Verio, new' }],
      notes: [],
    });
  });

  it('lists twenty of many problems, and counts the others', () =>
    inTemporaryFolder(async (folder) => {
      const file = join(folder, 'cohort.csv');
      const rows = Array.from({ length: 50 }, (_, at) => `c${at},old`);
      await writeFile(file, ['case,age', ...rows].join('\n'));
      const { message } = await failureOf(readCohort(file));
      expect(message.match(/old/g)).toHaveLength(20);
      expect(message).toContain('30 more');
    }));

  it('says which columns it does not use', () => {
    // Each line by its own end.
    const mixed = parseCohort('case,scanner\r\na,S1\nb,S2\r\n', 'cohort.csv').rows;
    expect(mixed.map(({ case: name, scanner }) => [name, scanner])).toEqual([
      ['a', 'S1'],
      ['b', 'S2'],
    ]);
    const { rows, notes } = parseCohort('case,shoe_size,constructor\na,41,b\n', 'cohort.csv');
    expect(rows).toEqual([{ case: 'a' }]);
    expect(notes).toEqual(['cohort.csv: columns that are not used: "shoe_size", "constructor"']);
  });

  it('is read as UTF-8, else as Windows-1252, which is said', () =>
    inTemporaryFolder(async (folder) => {
      const file = join(folder, 'cohort.csv');
      await writeFile(file, Buffer.from('case,scanner\na,Zürich\n', 'utf8'));
      expect((await readCohort(file)).rows[0].scanner).toBe('Zürich');
      await writeFile(file, Buffer.from('case,scanner\na,Zürich\n', 'latin1'));
      const { rows, notes } = await readCohort(file);
      expect(rows[0].scanner).toBe('Zürich');
      expect(notes).toEqual([`${file} is not UTF-8: read as windows-1252`]);
    }));

  it('is refused with all that is wrong with it', () => {
    const text = 'case,shoe_size,age_years,age_years,colour\na,1,old,3,x\na,1,2,3,x\n,1,2,3,x\n';
    try {
      parseCohort(text, 'cohort.csv');
      expect.unreachable();
    } catch (error) {
      const { code, message } = error as DawsonError;
      expect(code).toBe('bad-table');
      for (const problem of [
        'column age_years twice',
        'line 2: age_years is "old", not a number',
        'line 3: a is in line 2 too',
        'line 4: no case',
      ]) {
        expect(message).toContain(problem);
      }
    }
  });

  it.each([
    ['nothing', '', 'no column case'],
    ['lines of different length', 'case,edss\na,1,2\n', 'Invalid Record Length'],
    ['an open quotation mark', 'case\n"a\n', 'Quote Not Closed'],
  ])('of %s is refused', (_what, text, found) => {
    expect(() => parseCohort(text, 'cohort.csv')).toThrow(found);
  });
});
