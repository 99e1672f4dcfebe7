import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNifti } from '../../src/formats/index.js';
import { reorient } from '../../src/volume/reorient.js';
import { sameGrid } from '../../src/volume/volume.js';
import { dawson, demoExam, temporaryFolder } from '../support/dawson.js';
import { filesOfVolume, type SeriesSpec } from '../support/dicom-series.js';

const folder = temporaryFolder();

describe('dawson segment --dicom', () => {
  it('finds the exam in a folder and goes through the whole pipeline', async () => {
    const sequences: Readonly<Record<string, SeriesSpec>> = {
      t1: { number: 1, sequence: 'GR\\IR', tr: 2300, te: 2.9, ti: 900, dimensions: '3D' },
      flair: { number: 2, sequence: 'IR', tr: 9000, te: 100, ti: 2500, patient: 'P1' },
    };
    for (const [name, spec] of Object.entries(sequences)) {
      mkdirSync(join(folder, 'exam', name), { recursive: true });
      const { volume } = await readNifti(demoExam(name));
      for (const [at, bytes] of filesOfVolume(volume, spec).entries()) {
        writeFileSync(join(folder, 'exam', name, `${at}`), bytes);
      }
    }
    const out = join(folder, 'result');
    const { exitCode, stdout, stderr } = await dawson([
      ...['segment', '--dicom', join(folder, 'exam'), '--out', out],
      ...['--segmenter', 'lst-lga', '--no-report'],
    ]);
    expect(stderr).not.toMatch(/Doe|Jane/);
    expect(stdout).not.toMatch(/Doe|Jane/);
    expect(exitCode).toBe(0);

    const findings = JSON.parse(readFileSync(join(out, 'findings.json'), 'utf8'));
    expect(findings.inputs.flair.fileName).toBe('series 1.2.3.2');
    expect(Object.keys(findings.inputs)).toEqual(['flair', 't1']);
    expect(findings.exam.patient).toMatchObject({ id: 'P1', name: 'Jane Doe' });
    expect(findings.exam.date).toBe('2026-01-31');
    expect(findings.inputs.flair.seriesUid).toBe('1.2.3.2');
    expect(findings.notes[0].text).toBe(
      'FLAIR: series 2 was chosen by its acquisition: inversion recovery, TR 9000, TE 100, TI 2500.',
    );

    const original = reorient((await readNifti(demoExam('flair'))).volume, 'LPS');
    const flair = reorient((await readNifti(join(out, 'flair.nii.gz'))).volume, 'LPS');
    expect(sameGrid(flair, original)).toBe(true);
    expect(flair.data.every((value, voxel) => value === original.data[voxel])).toBe(true);
    const lesions = (await readNifti(join(out, 'lesions.nii.gz'))).volume;
    expect(lesions.size).toEqual(original.size);

    writeFileSync(join(out, 'report.pdf'), '%PDF-1.7\n%%EOF\n');
    const objects = join(folder, 'objects');
    const written = await dawson([
      ...['dicom', 'export', out, '--dicom', join(folder, 'exam'), '--out', objects, '--json'],
    ]);
    expect(written.stdout + written.stderr).not.toMatch(/Doe|Jane/);
    expect(written.exitCode).toBe(0);
    const files = readdirSync(objects).filter((name) => name.startsWith('preview-'));
    expect(files).toHaveLength(original.size[2]);
    expect(readdirSync(objects).join()).not.toMatch(/Doe|Jane/);
  });
});
