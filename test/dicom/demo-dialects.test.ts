import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDicomExam, readDicomFolder } from '../../src/dicom/index.js';
import { readVolume } from '../../src/formats/index.js';
import { demoExam, temporaryFolder } from '../support/dawson.js';
import { runForTests } from '../support/dicom-folder.js';

const run = runForTests();
const folder = temporaryFolder();
const script = fileURLToPath(new URL('../../scripts/make-demo-dicom.js', import.meta.url));

beforeAll(() => {
  execFileSync(process.execPath, [script, folder]);
});

describe('the demonstration exam as DICOM', () => {
  it.each([
    ['siemens', 'explicit little endian', 1],
    ['ge', 'JPEG-LS lossless', 1],
    ['philips', 'explicit little endian', 36],
  ])('is the very exam in the dialect of %s', async (vendor, syntaxName, frames) => {
    const exam = openDicomExam(await readDicomFolder(join(folder, vendor), run), {}, run);
    const { exam: read, notes } = await exam.read();
    expect(notes).toMatchObject(['FLAIR', 'T2', 'T1'].map((label) => ({ values: { label } })));
    const { instance } = exam.choices.find(({ role }) => role === 'flair')!.stack.slices[0];
    expect([instance.pixels?.syntaxName, instance.frames.length]).toEqual([syntaxName, frames]);
    for (const name of ['flair', 't2', 't1'] as const) {
      const { volume } = await readVolume(demoExam(name));
      const dicom = read[name]!.volume;
      expect(dicom.size).toEqual(volume.size);
      expect(dicom.data.every((value, voxel) => value === volume.data[voxel])).toBe(true);
      const off = dicom.affine.map((value, at) => Math.abs(value - volume.affine[at]));
      expect(Math.max(...off)).toBe(0);
    }
    expect(await exam.describe()).toMatchObject({
      description: {
        patient: { id: 'DAWSON-DEMO', name: 'Exam Demo' },
        date: '2026-01-31',
        protocol: { repetitionTimeS: 9, echoTimeS: 0.1, inversionTimeS: 2.5 },
      },
    });
  });
});
