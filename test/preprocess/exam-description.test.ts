import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeExam } from '../../src/preprocess/exam-description.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dawson-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

const flair = () => join(folder, 'flair.nii.gz');
const write = (name: string, value: unknown) =>
  writeFile(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));

describe('the description of an exam', () => {
  it('is unknown where nothing describes the exam', async () => {
    expect(await describeExam(flair())).toEqual({ notes: [] });
  });

  it('is read from the sidecar that dcm2niix writes', async () => {
    await write('flair.json', {
      PatientID: 'A-1',
      PatientName: 'Müller^Zoë',
      PatientBirthDate: '1980-02-29',
      PatientSex: 'F',
      AcquisitionDateTime: '2026-01-31T12:00:00.5',
      Manufacturer: 'Siemens',
      ManufacturersModelName: 'Prisma',
      MagneticFieldStrength: 3,
      SliceThickness: 1,
      EchoTime: 0.39,
      ConversionSoftware: 'dcm2niix',
    });
    expect((await describeExam(flair())).description).toEqual({
      patient: { id: 'A-1', name: 'Müller^Zoë', birthDate: '1980-02-29', sex: 'F' },
      date: '2026-01-31',
      scanner: { manufacturer: 'Siemens', model: 'Prisma', fieldStrengthTesla: 3 },
      protocol: { sliceThicknessMm: 1, echoTimeS: 0.39 },
    });
  });

  it('is nothing where a sidecar says nothing about it, such as an anonymised one', async () => {
    await write('flair.json', { AcquisitionTime: '12:00:00', PatientName: '' });
    expect(await describeExam(flair())).toEqual({ notes: [] });
  });

  it('prefers exam.json to the sidecar', async () => {
    await write('exam.json', { patient: { id: 'B' }, date: '2026-03-01' });
    await write('flair.json', { PatientID: 'A' });
    expect(await describeExam(flair())).toEqual({
      description: { patient: { id: 'B' }, date: '2026-03-01' },
      notes: [],
    });
  });

  it('takes what is given on the command line first', async () => {
    await write('exam.json', { patient: { id: 'B', name: 'C' }, date: '2026-03-01' });
    const { description } = await describeExam(flair(), { patient: 'B', date: '2026-03-02' });
    expect(description).toEqual({
      patient: { id: 'B', name: 'C' },
      date: '2026-03-02',
    });
  });

  it('does not keep the name of another patient than the one given', async () => {
    await write('exam.json', { patient: { id: 'B', name: 'C' } });
    const { description } = await describeExam(flair(), { patient: 'D' });
    expect(description).toEqual({ patient: { id: 'D' } });
  });

  it.each([
    ['a key of no meaning', { remark: 'x' }, 'fields of no meaning here, passed over: remark'],
    ['a date that is none', { date: '31.1.2026' }, 'date is a text'],
    ['a day that no calendar has', { date: '2026-02-30' }, 'date is a text'],
    ['a name of a megabyte', { patient: { name: 'x'.repeat(2 ** 20) } }, 'patient.name is a text'],
    ['a prototype', '{"__proto__": {"date": "2026-01-01"}}', '__proto__.date'],
    ['an array', [], 'expected a JSON object, found a list'],
    ['null', 'null', 'expected a JSON object, found null'],
    ['text that is no JSON', '{', 'expected JSON'],
    ['another program’s settings', { scanner: 7, a: 1, b: 2 }, 'passed over: scanner, a, b'],
  ])(
    'passes over what is odd in exam.json, says so, and takes the sidecar: %s',
    async (_, value, note) => {
      await write('exam.json', value);
      await write('flair.json', { PatientID: 'A' });
      const { description, notes } = await describeExam(flair());
      expect(description).toEqual({ patient: { id: 'A' } });
      expect(notes).toHaveLength(1);
      expect(notes[0]).toMatch(/^exam\.json: /);
      expect(notes[0]).toContain(note);
    },
  );

  it.each(['none', 'NO', '-'])('takes "%s" for no contrast agent', async (word) => {
    await write('exam.json', { protocol: { contrastAgent: word } });
    await write('flair.json', { ContrastBolusAgent: word, PatientID: 'A' });
    expect(await describeExam(flair())).toEqual({
      description: { patient: { id: 'A' } },
      notes: [],
    });
  });

  it('reads the rest of an exam.json with an odd field', async () => {
    await write('exam.json', { patient: { id: 7, shoeSize: 41 }, date: 'yesterday' });
    expect(await describeExam(flair())).toEqual({
      description: { patient: { id: '7' } },
      notes: [
        'exam.json: fields of no meaning here, passed over: patient.shoeSize',
        'exam.json: date is a text that cannot be used: passed over',
      ],
    });
  });

  it('never repeats what stands in a field', async () => {
    await write('exam.json', { patient: { birthDate: '1980-02-31', name: ['Ada', 'Lovelace'] } });
    expect((await describeExam(flair())).notes.join()).not.toMatch(/1980|Ada|Lovelace/);
  });

  it.each([
    ['null', '{"EchoTime": 0.1, "InversionTime": null}', ['InversionTime is null']],
    ['n/a', '{"EchoTime": 0.1, "Manufacturer": "n/a"}', ['Manufacturer is a text']],
    ['lists', '{"EchoTime": [0.1], "RepetitionTime": [1, 2]}', ['RepetitionTime is a list']],
    ['NaN', '{"EchoTime": 0.1, "InversionTime": NaN}', ['holds NaN', 'InversionTime is null']],
    ['a comma behind the last entry', '{"EchoTime": 0.1, "Other": [1, 2,],}', ['holds NaN']],
    ['a byte-order mark', '\ufeff{"EchoTime": 0.1}', []],
    ['numbers as texts', '{"EchoTime": "0.1"}', []],
    [
      'a field strength in words',
      '{"EchoTime": 0.1, "MagneticFieldStrength": "strong"}',
      ['MagneticFieldStrength is a text'],
    ],
  ])('takes from a sidecar what it holds: %s', async (_, text, said) => {
    await write('flair.json', text);
    const { description, notes } = await describeExam(flair());
    expect(description).toEqual({ protocol: { echoTimeS: 0.1 } });
    expect(notes).toHaveLength(said.length);
    said.forEach((part, index) => {
      expect(notes[index]).toContain(`flair.json: ${part}`);
    });
  });

  it('takes a number as the id of a patient', async () => {
    await write('flair.json', { PatientID: 7 });
    expect(await describeExam(flair())).toEqual({
      description: { patient: { id: '7' } },
      notes: [],
    });
  });

  it('refuses a date given in another form as wrong use', async () => {
    await expect(describeExam(flair(), { date: 'yesterday' })).rejects.toMatchObject({
      code: 'usage',
    });
  });
});
