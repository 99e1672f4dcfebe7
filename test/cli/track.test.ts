import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { readVolume, writeNifti } from '../../src/formats/index.js';
import { maskWhere, toFloat32 } from '../../src/volume/volume.js';
import { dawson, type Outcome, temporaryFolder } from '../support/dawson.js';
import { drawnExam, ofSmallBrain, scatteredBlobs } from '../support/report-exam.js';

const folder = temporaryFolder();
const blobs = scatteredBlobs(3, () => 6);

/** A result folder as `dawson segment` writes it. */
async function writeExam(
  name: string,
  { of = blobs, date = '', patient = 'A', byNetwork = false } = {},
) {
  const drawn = drawnExam({ blobs: of, withRegions: false });
  const { findings, flair, lesions, brain } = byNetwork ? ofSmallBrain(drawn) : drawn;
  const place = join(folder, name);
  mkdirSync(place);
  await writeNifti(join(place, 'flair.nii.gz'), flair);
  await writeNifti(join(place, 'lesions.nii.gz'), lesions);
  await writeNifti(join(place, 'probability.nii.gz'), toFloat32(lesions));
  await writeNifti(join(place, 'brain.nii.gz'), brain);
  const exam = { patient: { id: patient }, ...(date && { date }) };
  writeFileSync(join(place, 'findings.json'), JSON.stringify({ ...findings, exam }));
  return place;
}

const track = (out: string, ...exams: string[]) =>
  dawson(['track', ...exams.flatMap((exam) => ['--exam', exam]), '--out', join(folder, out)]);

const documentIn = (out: string) =>
  JSON.parse(readFileSync(join(folder, out, 'change.json'), 'utf8'));

describe('dawson track', () => {
  let first: string;
  let second: string;
  /** Of a series with an exam that failed. */
  let outcome: Outcome;
  beforeAll(async () => {
    first = await writeExam('first', { of: blobs.slice(1), date: '2025-01-01' });
    second = await writeExam('second', { date: '2026-01-01' });
    const failed = join(folder, 'failed');
    cpSync(first, failed, { recursive: true });
    rmSync(join(failed, 'lesions.nii.gz'));
    outcome = await track('change', second, failed, first);
    expect([outcome.exitCode, outcome.exitCode === 0 || outcome.stderr]).toEqual([0, true]);
  });

  it('writes what changed, by the schema, exams in the order of their dates', async () => {
    const document = documentIn('change');
    const schemaOf = (name: string) =>
      JSON.parse(readFileSync(new URL(`../../schemas/${name}`, import.meta.url), 'utf8'));
    const ajv = new Ajv2020().addSchema(
      schemaOf('findings-1.schema.json'),
      'findings-1.schema.json',
    );
    expect(ajv.validate(schemaOf('change-2.schema.json'), document), ajv.errorsText()).toBe(true);
    expect(document.exams.map(({ folder: name }: { folder: string }) => name)).toEqual([
      'folder 3',
      'folder 1',
    ]);
    expect(document.consecutive[0].counts).toMatchObject({ new: 1, stable: 2, enlarged: 0 });
    const { volume } = await readVolume(join(folder, 'change', 'change.nii.gz'));
    expect(new Set(volume.data)).toEqual(new Set([0, 1, 5]));
  });

  it('finds no change between an exam and its copy, which have one date', async () => {
    const copy = join(folder, 'copy');
    cpSync(second, copy, { recursive: true });
    const { exitCode, stdout, stderr } = await track('same', second, copy);
    expect(stderr).not.toContain('expected');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('the same date');
    const { counts } = documentIn('same').consecutive[0];
    expect(counts).toMatchObject({ stable: 3, new: 0, disappeared: 0, uncertain: 0 });
  });

  it('leaves out a failed exam of a series and says so', () => {
    const { stdout, stderr } = outcome;
    expect(stdout).toContain('The exam in folder 2 was left out');
    expect(documentIn('change')).toMatchObject({ leftOut: [{ folder: 'folder 2' }] });
    // Folders may be named for patients.
    const written = readFileSync(join(folder, 'change', 'change.json'), 'utf8');
    expect([stdout, stderr, written].join()).not.toMatch(/first|second|failed/);
  });

  it('refuses exams of two patients, without naming them, and writes nothing', async () => {
    const stranger = await writeExam('stranger', { patient: 'Somebody' });
    const { exitCode, stderr } = await track('strangers', first, stranger);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('another patient id');
    expect(stderr).not.toContain('Somebody');
    expect(existsSync(join(folder, 'strangers'))).toBe(false);
  });

  it.each([
    ['one exam', 2, (): string[] => [first]],
    ['one exam twice', 2, (): string[] => [first, `${first}/.`]],
    ['nothing but failed exams', 3, (): string[] => [first, folder]],
  ])('refuses %s', async (_, expected, exams) => {
    const { exitCode } = await track('refused', ...exams());
    expect(exitCode).toBe(expected);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  it('says on request how small a new lesion may be to be seen', async () => {
    const later = await writeExam('by-network', { date: '2027-01-01', byNetwork: true });
    const options = ['--exam', later, '--sensitivity', '--out', join(folder, 'sensitive')];
    const { exitCode, stdout } = await dawson(['track', '--exam', second, ...options]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/of lesions painted into the later FLAIR, \d+ of \d+ of 15 mm³/);
    const { sensitivity } = documentIn('sensitive').consecutive[0];
    expect(sensitivity.byVolume.length).toBeGreaterThan(3);
  });

  it('says that nothing can be known of an exam without room for painted lesions', async () => {
    const later = await writeExam('of-no-room', { date: '2027-01-01', byNetwork: true });
    const { brain } = ofSmallBrain(drawnExam({ blobs }));
    await writeNifti(
      join(later, 'brain.nii.gz'),
      maskWhere(brain, (value, voxel) => value !== 0 && voxel % 2 === 0),
    );
    const options = ['--exam', later, '--sensitivity', '--out', join(folder, 'no-room')];
    const { exitCode, stdout, stderr } = await dawson(['track', '--exam', second, ...options]);
    expect([exitCode, exitCode === 0 || stderr]).toEqual([0, true]);
    expect(stdout).toContain('How small a new lesion may be to be seen is not known');
    expect(documentIn('no-room').consecutive[0].sensitivity).toMatchObject({
      byVolume: [],
      seenFromMm3: null,
    });
  });

  it('does so only of what this version’s own network segmented', async () => {
    const options = ['--exam', second, '--sensitivity', '--out', join(folder, 'of-another')];
    const { exitCode, stderr } = await dawson(['track', '--exam', first, ...options]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Segment the exam again');
    // Before the long work.
    expect(stderr).not.toContain('compare');
  });
});
