import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batch, planBatch } from '../../src/batch.js';
import { changeTable, cohortTable } from '../../src/cohort/cohort-files.js';
import { readTable } from '../../src/cohort/read-table.js';
import { writeNifti } from '../../src/formats/index.js';
import type { Engine } from '../../src/jobs/index.js';
import type { ChangeDocument } from '../../src/quantify/change.js';
import { folderOf, named } from '../support/dicom-folder.js';
import { seriesFiles } from '../support/dicom-series.js';
import { drawnExam } from '../support/report-exam.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** Puts the result of a drawn head with as large a lesion as the file says where it is told to. */
async function segmentDrawn(flair: string, out: string, patient: string): Promise<void> {
  const radiusMm = Number(readFileSync(flair, 'utf8'));
  const {
    findings,
    flair: image,
    lesions,
    brain,
  } = drawnExam({
    blobs: radiusMm > 0 ? [{ centreMm: [20, 0, 10], radiusMm }] : [],
    exam: { patient: { id: patient }, scanner: { manufacturer: '=Made', fieldStrengthTesla: 3 } },
  });
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'findings.json'), JSON.stringify(findings));
  await writeNifti(join(out, 'flair.nii.gz'), image);
  for (const name of ['lesions', 'probability'] as const) {
    await writeNifti(join(out, `${name}.nii.gz`), lesions);
  }
  await writeNifti(join(out, 'brain.nii.gz'), brain);
}

function drawingEngine() {
  const ran: string[] = [];
  const engine: Engine = {
    run: async (command) => {
      const given = (option: string) => command[command.indexOf(option) + 1];
      ran.push(command[0]);
      if (command[0] === 'track') return { code: 'inputs-conflict', reason: 'Not in this test.' };
      if (readFileSync(given('--flair'), 'utf8') === 'bad') {
        return { code: 'not-an-image', reason: 'No image: expected one; found none.' };
      }
      await segmentDrawn(given('--flair'), given('--out'), given('--patient'));
      return undefined;
    },
  };
  return { engine, ran };
}

/** A BIDS data set whose FLAIRs say how large the lesion shall be. */
function dataSet(radii: readonly (string | number)[]): string {
  const path = temporaryFolder();
  writeFileSync(path('dataset_description.json'), '{}');
  for (const [at, radius] of radii.entries()) {
    const [subject, session] = [Math.floor(at / 2), at % 2];
    const anat = path(`sub-${subject}`, `ses-${session}`, 'anat');
    mkdirSync(anat, { recursive: true });
    writeFileSync(join(anat, `sub-${subject}_ses-${session}_FLAIR.nii.gz`), String(radius));
  }
  return path();
}

describe('batch', () => {
  it('makes one table, one page and BIDS derivatives of all exams, and does nothing twice', async () => {
    const input = dataSet([8, 9, 8, 9, 8, 'bad', 0, 9, 8, 8, 26]);
    const out = join(temporaryFolder()(), 'derivatives', 'dawson');
    const { engine, ran } = drawingEngine();
    const plan = await planBatch(input, out, { engine, slots: 2 });
    expect(plan).toMatchObject({ done: [], failed: [], slots: 2 });
    expect(plan.left).toHaveLength(11);
    expect(plan.seconds).toBeCloseTo(6 * plan.secondsEach!, 6);
    expect(existsSync(out)).toBe(false);

    ran.length = 0;
    const { results, changes } = await batch(input, out, { engine, slots: 2 });
    expect(ran.filter((name) => name === 'segment')).toHaveLength(11);
    expect(results.filter(({ findings }) => findings)).toHaveLength(10);
    expect(changes).toHaveLength(4);
    const { columns, rows } = await readTable(join(out, 'cohort.csv'));
    expect(columns.slice(0, 3)).toEqual(['case', 'patient', 'scanner']);
    expect(rows).toHaveLength(11);
    expect(rows[0]).toMatchObject({ case: 'sub-0_ses-0', patient: '0', state: 'done' });
    // A spreadsheet must not take it for a formula.
    expect(rows[0].scanner).toBe("'=Made 3 T");
    expect(rows[5]).toMatchObject({ state: 'failed', reason: expect.stringContaining('No image') });
    expect(rows[10].stands_out).toContain('lesion load high');
    expect(rows[6].stands_out).toContain('lesion load low');
    expect(rows[0].stands_out).toBeUndefined();
    const { rows: lesions } = await readTable(join(out, 'lesions.csv'));
    expect(lesions).toHaveLength(9);

    const page = readFileSync(join(out, 'index.html'), 'utf8');
    expect(page.match(/<img /g)).toHaveLength(10);
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(page).toContain('No image: expected one');

    const anat = join(out, 'sub-0', 'ses-0', 'anat');
    expect(readdirSync(anat).sort()).toEqual(
      ['desc-brain_mask', 'desc-preproc_FLAIR', 'label-lesion_mask', 'label-lesion_probseg']
        .flatMap((name) => ['json', 'nii.gz'].map((ending) => `sub-0_ses-0_${name}.${ending}`))
        .sort(),
    );
    const mask = (name: string) => statSync(name).ino;
    expect(mask(join(anat, 'sub-0_ses-0_label-lesion_mask.nii.gz'))).toBe(
      mask(join(out, 'exams', 'sub-0_ses-0', 'lesions.nii.gz')),
    );
    expect(readdirSync(join(out, 'masks'))).toHaveLength(10);

    const before = readFileSync(join(out, 'cohort.csv'), 'utf8');
    ran.length = 0;
    await batch(input, out, { engine, slots: 1 });
    expect(ran).toEqual([]);
    expect(readFileSync(join(out, 'cohort.csv'), 'utf8')).toBe(before);
    expect(readFileSync(join(out, 'index.html'), 'utf8')).toBe(page);

    // Another image, and a result that is gone: these two, and the comparisons that read them.
    writeFileSync(join(input, 'sub-0/ses-0/anat/sub-0_ses-0_FLAIR.nii.gz'), '7');
    rmSync(join(out, 'exams', 'sub-1_ses-1', 'brain.nii.gz'));
    await batch(input, out, { engine, slots: 1 });
    expect(ran.filter((name) => name === 'segment')).toHaveLength(2);
    expect((await planBatch(input, out, { engine })).left).toEqual([]);
  });

  it('segments again what was described anew, and keeps nothing of exams that are gone', async () => {
    const input = dataSet([8, 9, 8, 9]);
    const out = join(temporaryFolder()(), 'dawson');
    const { engine, ran } = drawingEngine();
    await batch(input, out, { engine });
    ran.length = 0;
    const anat = join(input, 'sub-0', 'ses-0', 'anat');
    writeFileSync(join(anat, 'sub-0_ses-0_FLAIR.json'), '{"AcquisitionDate": "2026-01-02"}');
    await batch(input, out, { engine });
    expect(ran.filter((name) => name === 'segment')).toHaveLength(1);

    mkdirSync(join(out, 'change', 'sub-1'), { recursive: true });
    writeFileSync(join(out, 'masks', 'mine.nii.gz'), '');
    rmSync(join(input, 'sub-1', 'ses-0'), { recursive: true });
    await batch(input, out, { engine });
    expect(readdirSync(join(out, 'masks')).sort()).toEqual([
      'mine.nii.gz',
      ...['0_ses-0', '0_ses-1', '1_ses-1'].map((name) => `sub-${name}.nii.gz`),
    ]);
    expect(readdirSync(join(out, 'sub-1'))).toEqual(['ses-1']);
    expect(existsSync(join(out, 'change', 'sub-1'))).toBe(false);
  });

  it('says so where it cannot write', async () => {
    const input = dataSet([8]);
    const file = temporaryFolder()('file');
    writeFileSync(file, '');
    const { engine } = drawingEngine();
    await expect(batch(input, join(file, 'out'), { engine })).rejects.toMatchObject({
      exitCode: 5,
    });
  });

  it('evaluates where a table has references, and leaves other folders alone', async () => {
    const path = temporaryFolder();
    const { engine } = drawingEngine();
    const rows = ['patient,flair,reference'];
    for (const [at, radius] of [8, 9, 10].entries()) {
      writeFileSync(path(`f${at}.nii.gz`), String(radius));
      await writeNifti(
        path(`m${at}.nii.gz`),
        drawnExam({ blobs: [{ centreMm: [20, 0, 10], radiusMm: 9 }] }).lesions,
      );
      rows.push(`p${at},f${at}.nii.gz,m${at}.nii.gz`);
    }
    writeFileSync(path('exams.csv'), rows.join('\n'));
    const { notes } = await batch(path('exams.csv'), path('out'), { engine });
    expect(notes).toEqual([]);
    const report = JSON.parse(readFileSync(path('out', 'evaluation', 'evaluation.json'), 'utf8'));
    expect(report.cases.map((entry: { dsc: number }) => entry.dsc)[1]).toBe(1);

    // A header whose voxels are not there; then no references any more.
    writeFileSync(path('m.mhd'), 'NDims = 3\nElementDataFile = none.raw\n');
    writeFileSync(path('exams.csv'), [...rows, 'p3,f0.nii.gz,m.mhd'].join('\n'));
    expect((await batch(path('exams.csv'), path('out'), { engine })).notes).toEqual([
      'sub-p3: the reference cannot be read',
    ]);
    expect(existsSync(path('out', 'evaluation'))).toBe(true);
    writeFileSync(path('exams.csv'), 'patient,flair\np0,f0.nii.gz\n');
    await batch(path('exams.csv'), path('out'), { engine });
    expect(existsSync(path('out', 'evaluation'))).toBe(false);

    mkdirSync(path('other'));
    writeFileSync(path('other', 'mine.txt'), '');
    await expect(batch(path('exams.csv'), path('other'), { engine })).rejects.toMatchObject({
      code: 'output-exists',
    });
  });

  it('refuses a folder among the DICOM files of an exam, whose results would be read as such', async () => {
    const flair = { number: 1, tr: 9000, te: 100, ti: 2500, variant: 'SK', description: 'FLAIR' };
    const root = folderOf(named(seriesFiles({ ...flair, rows: 8, columns: 8, pixelMm: 25 })));
    const { engine, ran } = drawingEngine();
    for (const out of ['results', join('results', 'inner')]) {
      await expect(batch(root, join(root, out), { engine })).rejects.toMatchObject({
        code: 'output-exists',
      });
    }
    expect(ran).toEqual([]);
  });
});

describe('cohortTable', () => {
  it('holds nothing that a spreadsheet runs', () => {
    const table = (source: string) =>
      cohortTable([
        {
          exam: { name: 'sub-1', subject: '1', source, notes: ['-2.5'] },
          ...{ folder: '', failure: 'none', outlying: [] },
        },
      ]);
    expect(table('-2+3+cmd|calc')).toContain("'-2+3+cmd|calc,-2.5");
    expect(table('-x')).toContain("'-x");
  });
});

describe('changeTable', () => {
  it('calls the exams that were compared by their names', () => {
    const exam = (folder: string) => ({ folder, lesionVolumeMl: 1 });
    const document = {
      exams: [exam('folder 2'), exam('folder 1')],
      consecutive: [{ previous: 0, current: 1, counts: {}, cautions: [] }],
      ...{ sinceFirst: [], cautions: [] },
    } as unknown as ChangeDocument;
    const exams = ['sub-1_ses-a', 'sub-1_ses-b'];
    const [, line] = changeTable([{ subject: '1', exams, document }]).split('\n');
    expect(line).toContain('previous,sub-1_ses-b,sub-1_ses-a,');
  });
});
