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
    expect(await describeExam(flair())).toBeUndefined();
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
    expect(await describeExam(flair())).toEqual({
      patient: { id: 'A-1', name: 'Müller^Zoë', birthDate: '1980-02-29', sex: 'F' },
      date: '2026-01-31',
      scanner: { manufacturer: 'Siemens', model: 'Prisma', fieldStrengthTesla: 3 },
      protocol: { sliceThicknessMm: 1, echoTimeS: 0.39 },
    });
  });

  it('is nothing where a sidecar says nothing about it, such as an anonymised one', async () => {
    await write('flair.json', { AcquisitionTime: '12:00:00', PatientName: '' });
    expect(await describeExam(flair())).toBeUndefined();
  });

  it('prefers exam.json to the sidecar', async () => {
    await write('exam.json', { patient: { id: 'B' }, date: '2026-03-01' });
    await write('flair.json', { PatientID: 'A' });
    expect(await describeExam(flair())).toEqual({ patient: { id: 'B' }, date: '2026-03-01' });
  });

  it('takes what is given on the command line first', async () => {
    await write('exam.json', { patient: { id: 'B', name: 'C' }, date: '2026-03-01' });
    expect(await describeExam(flair(), { patient: 'B', date: '2026-03-02' })).toEqual({
      patient: { id: 'B', name: 'C' },
      date: '2026-03-02',
    });
  });

  it('does not keep the name of another patient than the one given', async () => {
    await write('exam.json', { patient: { id: 'B', name: 'C' } });
    expect(await describeExam(flair(), { patient: 'D' })).toEqual({ patient: { id: 'D' } });
  });

  it.each([
    ['a key of no meaning', { patient: { id: 'B' }, remark: 'x' }],
    ['a date that is none', { date: '31.1.2026' }],
    ['a day that no calendar has', { date: '2026-02-30' }],
    ['a number as id', { patient: { id: 7 } }],
    ['a name of a megabyte', { patient: { name: 'x'.repeat(2 ** 20) } }],
    ['a prototype', '{"__proto__": {"date": "2026-01-01"}}'],
    ['an array', []],
    ['null', 'null'],
    ['text that is no JSON', '{'],
  ])('refuses exam.json with %s', async (_, value) => {
    await write('exam.json', value);
    await expect(describeExam(flair())).rejects.toMatchObject({ code: 'file-corrupt' });
  });

  it('never repeats a birth date in a message', async () => {
    await write('exam.json', { patient: { birthDate: '1980-02-31' } });
    await expect(describeExam(flair())).rejects.not.toThrow('1980');
  });

  it.each([
    ['a list', []],
    ['a number as patient', { PatientID: 7 }],
    ['a field strength in words', { MagneticFieldStrength: 'strong' }],
  ])('refuses a sidecar that is %s', async (_, value) => {
    await write('flair.json', value);
    await expect(describeExam(flair())).rejects.toMatchObject({ code: 'file-corrupt' });
  });

  it('refuses a date given in another form as wrong use', async () => {
    await expect(describeExam(flair(), { date: 'yesterday' })).rejects.toMatchObject({
      code: 'usage',
    });
  });
});
