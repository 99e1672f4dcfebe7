import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findExams } from '../../src/cohort/find-exams.js';
import { outlyingBy } from '../../src/cohort/outliers.js';
import { folderOf, named, runForTests } from '../support/dicom-folder.js';
import { seriesFiles } from '../support/dicom-series.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const run = runForTests();

/** A folder with empty files of these names. */
function tree(...files: string[]): string {
  const path = temporaryFolder();
  for (const file of files) {
    mkdirSync(dirname(path(file)), { recursive: true });
    writeFileSync(path(file), '');
  }
  return path();
}

describe('findExams', () => {
  it('finds the sessions of a BIDS data set', async () => {
    const root = tree(
      'dataset_description.json',
      'sub-02/ses-b/anat/sub-02_ses-b_acq-3D_FLAIR.nii.gz',
      'sub-02/ses-b/anat/sub-02_ses-b_ce-gd_T1w.nii.gz',
      'sub-02/ses-b/anat/sub-02_ses-b_T1w.nii.gz',
      'sub-02/ses-b/anat/sub-02_ses-b_T2w.nii',
      'sub-01/anat/sub-01_FLAIR.nii.gz',
      'sub-02/ses-a/anat/sub-02_ses-a_T1w.nii.gz',
      'derivatives/other/sub-09/anat/sub-09_FLAIR.nii.gz',
    );
    writeFileSync(
      join(root, 'sub-02', 'ses-b', 'sub-02_ses-b_scans.tsv'),
      'filename\tacq_time\nanat/x.nii.gz\t2021-03-04T10:00:00\nanat/y.nii.gz\tn/a\n',
    );
    const exams = await findExams(root, {}, run);
    expect(exams.map(({ name }) => name)).toEqual(['sub-01', 'sub-02_ses-a', 'sub-02_ses-b']);
    expect(exams[1].problem).toContain('FLAIR');
    expect(exams[2]).toMatchObject({
      subject: '02',
      session: 'b',
      date: '2021-03-04',
      images: {
        flair: join(root, 'sub-02/ses-b/anat/sub-02_ses-b_acq-3D_FLAIR.nii.gz'),
        t1: join(root, 'sub-02/ses-b/anat/sub-02_ses-b_T1w.nii.gz'),
        t2: join(root, 'sub-02/ses-b/anat/sub-02_ses-b_T2w.nii'),
      },
    });
    expect(exams[2].notes).toHaveLength(1);
  });

  it('finds exam folders by the names of their files, with persons above them or without', async () => {
    const root = tree(
      'P 1/FLAIR.nii.gz',
      'P 1/T1W.nii.gz',
      'P 1/T1WKS.nii.gz',
      'P 1/t2.nii.gz',
      'P 1/consensus_gt.nii.gz',
      'p1/2021/3DFLAIR.nii',
      'p1/2022/3DFLAIR.nii',
      'p1/2022/other_flair.nii',
      'p1/2023/IM1.dcm',
      'none/notes.txt',
    );
    const exams = await findExams(root, {}, run);
    expect(exams.map(({ name }) => name)).toEqual([
      'sub-P1',
      'sub-none',
      'sub-p1x2_ses-2021',
      'sub-p1x2_ses-2022',
    ]);
    expect(exams[0].images).toEqual({
      flair: join(root, 'P 1/FLAIR.nii.gz'),
      t1: join(root, 'P 1/T1W.nii.gz'),
      t2: join(root, 'P 1/t2.nii.gz'),
    });
    expect(exams[1].problem).toContain('DICOM');
    expect(exams[2].notes).toEqual(['2023, beside it, has no images and was passed over']);
    expect(exams[3].problem).toContain('2 files may be the FLAIR');
    const bids = tree('dataset_description.json', 'sub-01/anat/sub-01_FLAIR.nii.gz');
    await expect(findExams(bids, { flair: 'other*' }, run)).rejects.toMatchObject({
      code: 'usage',
    });
    const chosen = await findExams(root, { flair: 'other*' }, run);
    expect(chosen[3].images).toEqual({ flair: join(root, 'p1/2022/other_flair.nii') });
  });

  it('takes each study with a FLAIR in folders of DICOM files, and names it by a hash', async () => {
    const flair = { number: 1, tr: 9000, te: 100, ti: 2500, variant: 'SK', description: 'FLAIR' };
    const large = { ...flair, rows: 8, columns: 8, pixelMm: 25 };
    const root = folderOf({
      ...named(seriesFiles(large), 'exams/Doe_Jane/one'),
      ...named(
        seriesFiles({
          ...large,
          study: '1.2.4',
          elements: { '00080020': ['DA', '20270131'] },
        }),
        'exams/Doe_Jane/two',
      ),
    });
    const exams = await findExams(join(root, 'exams'), {}, run);
    expect(exams).toHaveLength(2);
    expect(exams[0].name).toMatch(/^sub-[0-9a-f]{10}_ses-20260131$/);
    expect(exams[1].name).toMatch(/^sub-[0-9a-f]{10}_ses-20270131$/);
    expect(exams[0].subject).toBe(exams[1].subject);
    expect(exams[0].images).toEqual({ dicom: join(root, 'exams/Doe_Jane'), study: '1.2.3' });
  });

  it('names undated visits of one person in several folders apart, and takes a copy once', async () => {
    const flair = { number: 1, tr: 9000, te: 100, ti: 2500, variant: 'SK', description: 'FLAIR' };
    const undated = { ...flair, rows: 8, columns: 8, pixelMm: 25 };
    const visit = (study: string, patient = 'P1') =>
      seriesFiles({
        ...{ ...undated, study, patient },
        elements: { '00080020': ['DA', ''], '00100010': ['PN', ''], '00100030': ['DA', ''] },
      });
    const root = folderOf({
      ...named(visit('1.2.3'), 'exams/first/a'),
      ...named(visit('1.2.4'), 'exams/second/a'),
      ...named(visit('1.2.4'), 'exams/third/a'),
      ...named(visit('1.2.5', ''), 'exams/nobody/a'),
      ...named(visit('1.2.6', ''), 'exams/nobody-else/a'),
    });
    const exams = await findExams(join(root, 'exams'), {}, run);
    expect(new Set(exams.map(({ name }) => name)).size).toBe(4);
    expect(exams.map(({ images }) => images && 'study' in images && images.study).sort()).toEqual([
      '1.2.3',
      '1.2.4',
      '1.2.5',
      '1.2.6',
    ]);
    const copied = exams.filter(({ notes }) => notes.length > 0);
    expect(
      copied.map(({ images, notes }) => [images && 'study' in images && images.study, notes]),
    ).toEqual([['1.2.4', ['the study lies in another folder too, where it was passed over']]]);
    // Nothing says that the two without any identity are one person.
    expect(new Set(exams.map(({ subject }) => subject)).size).toBe(3);
  });

  it('puts the second visit before the tenth', async () => {
    const root = tree(
      'dataset_description.json',
      ...[10, 2, 1].map((n) => `sub-01/ses-${n}/anat/sub-01_ses-${n}_FLAIR.nii.gz`),
    );
    const exams = await findExams(root, {}, run);
    expect(exams.map(({ session }) => session)).toEqual(['1', '2', '10']);
  });

  it('keeps the order of a table, numbers visits of one label, and names the lines of the file', async () => {
    const path = temporaryFolder();
    writeFileSync(
      path('exams.csv'),
      'patient,visit,flair\np,pre,a.nii\np,p-re,b.nii\np,PO,c.nii\n',
    );
    const exams = await findExams(path('exams.csv'), {}, run);
    expect(exams.map(({ name }) => name)).toEqual([
      'sub-p_ses-pre',
      'sub-p_ses-prex2',
      'sub-p_ses-PO',
    ]);
    writeFileSync(path('bad.csv'), 'patient,flair\n\np,a.nii\n\n,b.nii\n');
    await expect(findExams(path('bad.csv'), {}, run)).rejects.toMatchObject({
      details: { found: 'line 5: no patient' },
    });
  });

  it('reads a table, and lists everything that is wrong with it at once', async () => {
    const path = temporaryFolder();
    writeFileSync(
      path('exams.csv'),
      'Patient;visit;flair;t1;date;reference\np-1;1;a/f.nii;;2020-01-01;a/m.nii\np-1;2;b/f.nii;b/t.nii;;\n',
    );
    const exams = await findExams(path('exams.csv'), {}, run);
    expect(exams[0]).toMatchObject({
      name: 'sub-p1_ses-1',
      date: '2020-01-01',
      reference: path('a', 'm.nii'),
    });
    expect(exams[1].images).toMatchObject({ flair: path('b', 'f.nii'), t1: path('b', 't.nii') });
    writeFileSync(
      path('bad.csv'),
      'patient,flair,dicom,date\n,a.nii,,2020-13-01\np,,,\nq,a.nii,b,\np,a.nii,,\np,b.nii,,\n',
    );
    await expect(findExams(path('bad.csv'), {}, run)).rejects.toMatchObject({
      code: 'bad-table',
      details: {
        found:
          'line 2: no patient; line 2: date is "2020-13-01"; line 3: neither flair nor dicom; ' +
          'line 4: flair and dicom; line 5: sub-p is in line 3 too: name visits; ' +
          'line 6: sub-p is in line 3 too: name visits',
      },
    });
  });

  it('names no file in the reason why a folder of DICOM files cannot be read', async () => {
    const [image] = seriesFiles({ number: 1 });
    const root = folderOf({ 'exams/one/Doe_Jane.dcm': image.subarray(0, 200) });
    const [exam] = await findExams(join(root, 'exams'), {}, run);
    expect(exam.problem).toContain('DICOM');
    expect(exam.problem).not.toContain('Doe_Jane');
  });

  it('refuses what holds no exams', async () => {
    await expect(findExams(tree('flair.nii.gz'), {}, run)).rejects.toMatchObject({ code: 'usage' });
    await expect(findExams(join(tree(), 'none'), {}, run)).rejects.toMatchObject({
      code: 'file-not-found',
    });
  });
});

describe('outlyingBy', () => {
  it('says how far a value lies off, and nothing of few or equal values', () => {
    const usual = [9, 10, 11, 10, 9, 11, 10, 12, undefined];
    expect(outlyingBy(usual).every((score) => score === undefined)).toBe(true);
    const scores = outlyingBy([...usual, 40]);
    expect(scores.filter((score) => score !== undefined)).toHaveLength(1);
    // Of 9 values the median is 10 and the median deviation 1: 30 / 1.4826.
    expect(scores[9]).toBeCloseTo(20.2347, 4);
    expect(outlyingBy([1, 1, 1, 1, 1, 1, 1, 1, 9])).toEqual(Array(9).fill(undefined));
    expect(outlyingBy([1, 2, 90])).toEqual(Array(3).fill(undefined));
  });
});
