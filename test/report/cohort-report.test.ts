import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EvaluatedCase } from '../../src/evaluate/cohort.js';
import { parseCohort } from '../../src/evaluate/cohort-table.js';
import { definitions } from '../../src/evaluate/definitions.js';
import { evaluatePair } from '../../src/evaluate/evaluate-pair.js';
import { pairMasks } from '../../src/evaluate/mask-pair.js';
import { contourColours, contoursOfCohort } from '../../src/report/cohort-contours.js';
import { cohortReport } from '../../src/report/cohort-report.js';
import { readersReport, setsReport } from '../../src/report/comparison-report.js';
import { inTemporaryFolder, writeMasks } from '../evaluate/mask-files.js';
import { maskOfSize, tinyPair } from '../evaluate/perturb.js';

const kinds = ['shift', 'erode', 'drop+add', 'ragged', 'merge', 'dilate', 'empty', 'split'];
const scanners = ['Verio & <Co>', 'Skyra', 'Ingenia_3'];

function cohort(count: number, definition = definitions.anima as never, seed = 40) {
  const lines = ['case,scanner,split,age_years,sex'];
  for (let index = 0; index < count; index++) {
    lines.push(`case-${index},${scanners[index % 3]},test,${20 + index},F`);
  }
  const { rows } = parseCohort(lines.join('\n'), 'cohort.csv');
  return rows.map((row, index): EvaluatedCase => {
    const [reference, prediction] = tinyPair({
      kind: kinds[(index + seed) % kinds.length],
      seed: seed + index,
      spacingMm: [1, 1, 1],
      swapped: false,
      voxels: [0, 0],
    });
    return {
      id: row.case,
      row,
      evaluation: evaluatePair(pairMasks(reference, prediction), definition),
    };
  });
}

describe('the report of a cohort', () => {
  it('is the same bytes from run to run', async () => {
    const [first, second] = [
      await cohortReport(cohort(12), definitions.anima, 0.05, undefined),
      await cohortReport(cohort(12), definitions.anima, 0.05, undefined),
    ];
    expect([...first.files.keys()]).toEqual([...second.files.keys()]);
    for (const [name, content] of first.files) {
      expect(Buffer.from(content).equals(Buffer.from(second.files.get(name)!)), name).toBe(true);
    }
  });

  it('counts each person once, whatever their number of exams, and runs no formula', async () => {
    const cases = cohort(6).map((own, at) => ({
      ...own,
      row: { ...own.row!, patient: `p${at % 2}`, scanner: '=1+1' },
    }));
    const { files } = await cohortReport(cases, definitions.anima, 0.05, undefined);
    const table = (name: string) => String(files.get(`${name}.csv`));
    expect(table('table-2-demographics')).toMatch(/^Patients,2/m);
    expect(table('table-3-lesions')).toMatch(/^All,6|^test,6/m);
    expect(table('cases')).toContain("'=1+1");
    expect(
      [...files].filter(([name, bytes]) => name.endsWith('.csv') && /(^|,)=/m.test(String(bytes))),
    ).toEqual([]);
  });

  it('holds every table in three formats and every figure in two', async () => {
    const { files } = await cohortReport(cohort(12), definitions.anima, 0.05, undefined);
    const names = [...files.keys()];
    for (const table of [
      'table-1-acquisition',
      'table-2-demographics',
      'table-3-lesions',
      'table-4-results',
      'table-scanners',
      'table-sizes',
    ]) {
      for (const ending of ['md', 'csv', 'tex']) expect(names).toContain(`${table}.${ending}`);
    }
    for (const figure of ['figure-2-lesion-load', 'figure-3-scanners']) {
      for (const ending of ['svg', 'png']) expect(names).toContain(`${figure}.${ending}`);
    }
  });

  it('loads nothing from elsewhere, and takes names for text', async () => {
    const { files } = await cohortReport(cohort(9), definitions.anima, 0.05, undefined);
    const page = files.get('report.html') as string;
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(page).not.toContain('<script');
    expect(page).not.toContain('<Co>');
    expect(page).toContain('Verio &amp; &lt;Co&gt;');
    expect(files.get('table-scanners.tex')).toContain('Verio \\& $<$Co$>$');
  });

  it('leaves undefined figures out of means and counts them', async () => {
    const cases = cohort(8);
    const { files, summaries } = await cohortReport(cases, definitions.anima, 0.05, undefined);
    const surface = summaries.find(({ measure }) => measure.key === 'hd95_mm')!;
    expect([surface.n, surface.undefinedCount]).toEqual([7, 1]);
    const lines = (files.get('cases.csv') as string).trim().split('\n');
    expect(lines).toHaveLength(9);
    expect(lines.filter((line) => line.includes('surface: the prediction is empty'))).toHaveLength(
      1,
    );
  });

  it('names the definition, its connectivity and its minimum in every table of results', async () => {
    const { files } = await cohortReport(cohort(6), definitions.anima, 0.05, undefined);
    for (const table of ['table-3-lesions', 'table-4-results', 'table-sizes', 'table-scanners']) {
      expect(files.get(`${table}.md`)).toMatch(/anima.*connectivity 6.*larger than 3 mm3/);
    }
    const json = JSON.parse(files.get('evaluation.json') as string);
    expect(json).toMatchObject({ schema: 'dawson-evaluation', definition: { name: 'anima' } });
    expect(json.cases[0].lesionwise).toMatchObject({ connectivity: 6, minimumMm3: 3 });
  });

  it('gives the raw score under isbi2015', async () => {
    const cases = cohort(6, definitions.isbi2015 as never);
    const { files } = await cohortReport(cases, definitions.isbi2015, 0.05, undefined);
    const { isbi2015Score } = JSON.parse(files.get('evaluation.json') as string);
    expect(isbi2015Score).toBeGreaterThan(0);
    expect(isbi2015Score).toBeLessThan(1);
    expect(files.get('table-4-results.md')).toContain('Raw score of ISBI 2015');
  });

  it('works without a cohort file and without lesions', async () => {
    const cases = cohort(3, definitions.nnunet as never).map(({ id, evaluation }) => ({
      id,
      evaluation,
    }));
    const { files } = await cohortReport(cases, definitions.nnunet, 0.05, undefined);
    expect([...files.keys()]).not.toContain('table-sizes.md');
    expect(files.get('table-4-results.md')).toContain('voxel-wise figures only');
  });
});

describe('the report of a cohort in which nothing is defined', () => {
  it('says so instead of failing', async () => {
    const empty = maskOfSize([6, 6, 6]);
    const evaluation = evaluatePair(pairMasks(empty, empty), definitions.anima);
    const { files, summaries } = await cohortReport(
      [{ id: 'healthy', evaluation }],
      definitions.anima,
      0.05,
      undefined,
    );
    expect(summaries.map(({ measure }) => measure.key)).toEqual(['volume_difference_ml']);
    expect([...files.keys()]).not.toContain('figure-3-scanners.svg');
    expect(files.get('cases.csv')).toContain('dsc: both masks are empty');
  });
});

describe('the figure of contours', () => {
  const [reference, prediction] = tinyPair({
    kind: 'drop+add',
    seed: 9,
    spacingMm: [1, 1, 1],
    swapped: false,
    voxels: [0, 0],
  });
  const flair = {
    ...reference,
    data: Float32Array.from(reference.data, (value, at) => 40 + 60 * value + (at % 7)),
  };
  const evaluation = evaluatePair(pairMasks(reference, prediction), definitions.anima);

  it('shows FLAIR, reference and prediction of a case, the same each time', () =>
    inTemporaryFolder(async (folder) => {
      const folders = {
        references: await writeMasks(join(folder, 'r'), { 'a.nii.gz': reference }),
        predictions: await writeMasks(join(folder, 'p'), { 'a.nii.gz': prediction }),
        flairs: await writeMasks(join(folder, 'f'), { 'a.nii.gz': flair }),
      };
      const figure = await contoursOfCohort([{ id: 'a', evaluation }], folders);
      for (const colour of Object.values(contourColours)) expect(figure.svg).toContain(colour);
      expect(figure.svg.match(/<image /g)).toHaveLength(2);
      expect((await contoursOfCohort([{ id: 'a', evaluation }], folders)).svg).toBe(figure.svg);
    }));

  it('is refused when no case has a FLAIR image', () =>
    inTemporaryFolder(async (folder) => {
      const folders = { references: folder, predictions: folder, flairs: folder };
      await expect(contoursOfCohort([{ id: 'a', evaluation }], folders)).rejects.toThrow(
        'no case has a FLAIR image',
      );
    }));
});

describe('the report of a comparison', () => {
  it('tests two sets case by case', () => {
    const sets = [
      { name: 'ours', cases: cohort(8) },
      { name: 'theirs', cases: cohort(8, undefined, 41) },
    ];
    const { files, result } = setsReport(sets, definitions.anima, 0.05);
    expect(files.get('table-comparison.md')).toContain('| DSC | ours | theirs | 8 |');
    expect(result).toMatchObject({ margin: 0.05, sets: ['ours', 'theirs'] });
  });

  it('calls a set equivalent to itself only when it says so by the equivalence test', () => {
    const same = cohort(8);
    const { result } = setsReport(
      [
        { name: 'a', cases: same },
        { name: 'b', cases: same },
      ],
      definitions.anima,
      0.05,
    );
    const { comparisons } = result as { comparisons: { equivalenceP: number; tTestP: number }[] };
    expect(comparisons[0].tTestP).toBeNaN();
    expect(comparisons[0].equivalenceP).toBe(0);
  });

  it('gives every two readers a line and all of them one correlation', () => {
    const names = ['a', 'b', 'c'];
    const pairs = [
      { first: 'a', second: 'b', cases: cohort(8) },
      { first: 'a', second: 'c', cases: cohort(8, undefined, 40) },
      { first: 'b', second: 'c', cases: cohort(8, undefined, 42) },
    ];
    const { files, result } = readersReport(names, pairs, definitions.anima);
    expect((files.get('table-readers.csv') as string).trim().split('\n')).toHaveLength(4);
    expect((result as { volumeIcc: number }).volumeIcc).toBeGreaterThan(-1);
  });
});
