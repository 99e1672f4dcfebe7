import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeNifti } from '../../src/formats/index.js';
import type { ReportedExam } from '../../src/report/clinical/report-input.js';
import { toFloat32 } from '../../src/volume/volume.js';
import { dawson, temporaryFolder } from '../support/dawson.js';
import { drawnExam, scatteredBlobs } from '../support/report-exam.js';

const folder = temporaryFolder();
const blobs = scatteredBlobs(3, () => 6);

async function writeExam(name: string, exam: ReportedExam, findings: unknown = exam.findings) {
  const place = join(folder, name);
  mkdirSync(place);
  await writeNifti(join(place, 'flair.nii.gz'), exam.flair);
  await writeNifti(join(place, 'lesions.nii.gz'), exam.lesions);
  await writeNifti(join(place, 'brain.nii.gz'), exam.brain);
  writeFileSync(join(place, 'findings.json'), JSON.stringify(findings));
  return place;
}

const dated = (year: string) => ({
  withRegions: false,
  exam: { patient: { id: 'A' }, date: `${year}-01-01` },
});

describe('dawson report', () => {
  const exam = drawnExam({ blobs, withRegions: false });
  let place: string;
  beforeAll(async () => {
    place = await writeExam('exam', exam);
  });

  it('writes the PDF, the page and the preview of a result folder', async () => {
    const [pdf, html, preview] = ['a.pdf', 'a.html', 'preview'].map((name) => join(folder, name));
    const { exitCode, stderr, stdout } = await dawson([
      ...['report', place, '--out', pdf, '--html', html, '--preview', preview],
    ]);
    expect(stderr).not.toContain('expected');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('not a medical device');
    expect(readFileSync(pdf).subarray(0, 5).toString()).toBe('%PDF-');
    expect(readFileSync(html, 'utf8')).toContain('3 white-matter lesions');
    expect(readdirSync(preview)).toHaveLength(exam.flair.size[2] + 1);
  });

  it('shows in the preview what changed, told by earlier exams or by the result itself', async () => {
    const withProbability = async (name: string, of: ReportedExam) => {
      const at = await writeExam(name, of);
      await writeNifti(join(at, 'probability.nii.gz'), toFloat32(of.lesions));
      return at;
    };
    const now = await withProbability(
      'later',
      drawnExam({ blobs: blobs.slice(1), ...dated('2026') }),
    );
    const before = await withProbability(
      'earlier',
      drawnExam({ blobs: blobs.slice(0, 2), ...dated('2025') }),
    );
    const previewed = async (name: string, ...earlier: string[]) => {
      const at = join(folder, name);
      const { exitCode, stderr } = await dawson([
        ...['report', now, ...earlier, '--out', join(folder, `${name}.pdf`), '--preview', at],
      ]);
      expect([exitCode, exitCode === 0 || stderr]).toEqual([0, true]);
      return readdirSync(at).map((file) => [file, readFileSync(join(at, file)).toString('hex')]);
    };
    const compared = await previewed('compared', '--previous', before);
    const { change } = JSON.parse(readFileSync(join(folder, 'compared', 'preview.json'), 'utf8'));
    expect(change.classes.map((row: { class: string }) => row.class)).toEqual([
      'new',
      'disappeared',
      'stable',
    ]);
    const tracked = join(folder, 'tracked');
    await dawson(['track', '--exam', before, '--exam', now, '--out', tracked]);
    for (const file of readdirSync(tracked)) cpSync(join(tracked, file), join(now, file));
    expect(await previewed('stored')).toEqual(compared);
  });

  it('says what is missing or damaged in a folder, and writes nothing', async () => {
    const { findings } = exam;
    const hostile: [string, unknown, RegExp][] = [
      ['extra', { ...findings, surprise: 1 }, /additional properties/],
      ['counts', { ...findings, lesionCount: 9 }, /3 lesions/],
      ['schema', { schema: 'other' }, /dawson-findings, version 1/],
    ];
    for (const [name, value, message] of hostile) {
      const bad = await writeExam(name, exam, value);
      const out = join(folder, `${name}.pdf`);
      const { exitCode, stderr } = await dawson(['report', bad, '--out', out]);
      expect(exitCode).toBe(3);
      expect(stderr).toMatch(message);
      expect(existsSync(out)).toBe(false);
    }
  });

  it('refuses a mask of another run', async () => {
    const other = drawnExam({ blobs: blobs.slice(1) });
    const mixed = await writeExam('mixed', { ...exam, lesions: other.lesions });
    const { exitCode, stderr } = await dawson(['report', mixed, '--out', join(folder, 'm.pdf')]);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('with the 3 lesions of the findings');
  });

  it('says that it does not show a comparison which the result holds', async () => {
    const compared = await writeExam('holds-a-change', drawnExam({ blobs }));
    writeFileSync(join(compared, 'change.json'), '{}');
    const html = join(folder, 'compared.html');
    const { exitCode } = await dawson([
      ...['report', compared, '--out', join(folder, 'c.pdf'), '--html', html],
    ]);
    expect(exitCode).toBe(0);
    expect(readFileSync(html, 'utf8')).toContain('which this report does not show');
  });

  it('leaves out an earlier exam that cannot be used, and says so in the report', async () => {
    const html = join(folder, 'left-out.html');
    const { exitCode } = await dawson([
      ...['report', place, '--previous', join(folder, 'schema'), '--out', join(folder, 'l.pdf')],
      ...['--html', html, '--language', 'da', '--paper', 'letter'],
    ]);
    expect(exitCode).toBe(0);
    const page = readFileSync(html, 'utf8');
    expect(page).toContain('Undersøgelsen i schema blev udeladt');
    expect(page).toContain('Ikke sammenlignet med en tidligere');
  });

  it('leaves out an earlier exam whose comparison fails, and makes the report without it', async () => {
    // It can be read, but it has no probabilities to compare by.
    const earlier = await writeExam('no-probability', drawnExam({ blobs: blobs.slice(1) }));
    const html = join(folder, 'not-compared.html');
    const { exitCode } = await dawson([
      ...['report', place, '--previous', earlier, '--out', join(folder, 'n.pdf'), '--html', html],
    ]);
    expect(exitCode).toBe(0);
    const page = readFileSync(html, 'utf8');
    expect(page).toContain('The exam in no-probability was left out');
    expect(page).toContain('Not compared with an earlier exam');
  });

  it.each([
    [
      'of an exam that its own network did not segment',
      ['--previous', 'any'],
      'Segment the exam again',
    ],
    ['without an earlier exam', [], '--previous'],
  ])('refuses --sensitivity %s', async (_, earlier, message) => {
    const out = join(folder, 'insensitive.pdf');
    const options = [...earlier, '--sensitivity', '--out', out];
    const { exitCode, stderr } = await dawson(['report', place, ...options]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(existsSync(out)).toBe(false);
  });

  it('refuses an earlier exam of another patient, without naming either', async () => {
    const of = (id: string) => drawnExam({ blobs, withRegions: false, exam: { patient: { id } } });
    const [first, second] = [
      await writeExam('first', of('PERSON-1')),
      await writeExam('second', of('PERSON-2')),
    ];
    const { exitCode, stderr } = await dawson([
      ...['report', second, '--previous', first, '--out', join(folder, 'p.pdf')],
    ]);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('another patient id');
    expect(stderr).not.toContain('PERSON');
  });
});
