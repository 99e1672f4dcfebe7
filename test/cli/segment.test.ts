import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { readNifti, writeNifti } from '../../src/formats/index.js';
import { countNonZero } from '../../src/volume/volume.js';
import { makePhantom, someLesions } from '../segment/phantom.js';
import { dawson, demoExam, temporaryFolder } from '../support/dawson.js';
import { expectTheSameOfSpoilt } from './unusual-intensities.js';

const folder = temporaryFolder();
const others = ['t2', 't1'].flatMap((name) => [`--${name}`, demoExam(name)]);
const exam = ['--flair', demoExam('flair'), ...others];
const results = [
  'brain.nii.gz',
  'findings.json',
  'flair.nii.gz',
  'lesions.csv',
  'lesions.nii.gz',
  'overlay.png',
  'probability.nii.gz',
  'report.html',
  'report.pdf',
];
/** What --keep-intermediate adds. */
const intermediate = [
  'anatomy.nii.gz',
  'flair-to-t1.txt',
  'flair-to-t2.txt',
  'prepared-flair.nii.gz',
  'prepared-t1.nii.gz',
  'prepared-t2.nii.gz',
];
const schema = JSON.parse(
  readFileSync(
    fileURLToPath(new URL('../../schemas/findings-1.schema.json', import.meta.url)),
    'utf8',
  ),
);

const findingsOf = (out: string) => JSON.parse(readFileSync(join(out, 'findings.json'), 'utf8'));

describe('dawson segment on the demo exam', () => {
  const out = join(folder, 'exam');

  it('writes its results, and what it made on the way where it is asked', async () => {
    const { exitCode, stderr, stdout } = await dawson([
      ...['segment', ...exam, '--keep-intermediate', '--out', out],
    ]);
    expect(stderr).not.toContain('expected');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('not a medical device');
    expect(readdirSync(out).sort()).toEqual([...results, ...intermediate].sort());
  });

  it('writes masks on exactly the grid of the FLAIR, and numbers that agree with them', async () => {
    const flair = await readNifti(demoExam('flair'));
    for (const name of ['lesions', 'probability', 'brain']) {
      const { header } = await readNifti(join(out, `${name}.nii.gz`));
      for (const field of [
        'dim',
        'pixdim',
        'qformCode',
        'sformCode',
        'quatern',
        'qoffset',
        'srow',
        'xyztUnits',
      ] as const) {
        expect([name, field, header[field]]).toEqual([name, field, flair.header[field]]);
      }
    }

    const findings = findingsOf(out);
    const validate = new Ajv2020().compile(schema);
    expect(validate(findings), JSON.stringify(validate.errors)).toBe(true);
    expect(findings.settings).toMatchObject({
      segmenter: 'lesions',
      model: { name: 'lesions' },
      anatomyModel: { name: 'anatomy' },
    });
    expect(findings.location.source).toBe('anatomy-network');
    for (const { confidence } of findings.lesions) {
      expect(confidence).toBeGreaterThan(0);
      expect(confidence).toBeLessThanOrEqual(1);
    }
    const { volume: mask } = await readNifti(join(out, 'lesions.nii.gz'));
    const voxels = findings.lesions.reduce(
      (sum: number, lesion: { sizeVoxels: number }) => sum + lesion.sizeVoxels,
      0,
    );
    expect(countNonZero(mask.data)).toBe(voxels);
    expect(findings.lesionCount).toBe(findings.lesions.length);
    expect(readFileSync(join(out, 'lesions.csv'), 'utf8').trim().split('\n')).toHaveLength(
      findings.lesionCount + 1,
    );
  });

  it('finds lesions where they are', async () => {
    const { volume: found } = await readNifti(join(out, 'lesions.nii.gz'));
    const { volume: truth } = await readNifti(demoExam('truth'));
    let both = 0;
    for (let voxel = 0; voxel < found.data.length; voxel++) {
      if (found.data[voxel] !== 0 && truth.data[voxel] !== 0) both++;
    }
    const dice = (2 * both) / (countNonZero(found.data) + countNonZero(truth.data));
    // What it is with the networks that come with Dawson, and not less.
    expect(Math.abs(dice - 0.692)).toBeLessThan(0.02);
  });

  it('finds the same lesions with another zero and one voxel of 1e7 in the brain of the FLAIR, and names both', () =>
    expectTheSameOfSpoilt(demoExam('flair'), out, folder, others));

  it('replaces an earlier result as a whole; takes LST-LGA where its belief is given, and leaves the report out where none is wanted', async () => {
    const { exam: phantom } = makePhantom({ lesions: someLesions });
    const image = (name: string) => join(folder, `${name}.nii.gz`);
    for (const name of ['flair', 't1'] as const) await writeNifti(image(name), phantom[name]);
    const { exitCode, stderr } = await dawson([
      ...['segment', '--flair', image('flair'), '--t1', image('t1'), '--out', out],
      ...['--brain-extracted', '--registered', '--kappa', '0.2', '--no-report'],
    ]);
    expect([exitCode, exitCode === 0 || stderr]).toEqual([0, true]);
    expect(readdirSync(out).sort()).toEqual(results.filter((name) => !name.startsWith('report')));
    const { settings, lesions } = findingsOf(out);
    expect(settings.segmenterSettings).toEqual({ kappa: 0.2 });
    expect(settings.model).toBeUndefined();
    expect(lesions[0].confidence).toBeUndefined();
    const { volume } = await readNifti(join(out, 'lesions.nii.gz'));
    expect(volume.size).toEqual(phantom.flair.size);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'stops at %s and leaves nothing behind',
    async (signal) => {
      const place = join(folder, signal);
      mkdirSync(place);
      const { exitCode, stderr } = await dawson(
        ['segment', ...exam, '--out', join(place, 'result')],
        { signal, after: '✓ read' },
      );
      expect(exitCode).toBe(130);
      expect(stderr).toContain('Stopped');
      expect(readdirSync(place)).toEqual([]);
    },
  );

  it('leaves no result under the final name when it is killed', async () => {
    const place = join(folder, 'killed');
    mkdirSync(place);
    const { stderr } = await dawson(['segment', ...exam, '--out', join(place, 'result')], {
      signal: 'SIGKILL',
      after: '✓ register T2',
    });
    expect(stderr).not.toContain('✓ write');
    expect(existsSync(join(place, 'result'))).toBe(false);
  });
});
