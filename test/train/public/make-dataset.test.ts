import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCohort } from '../../../src/evaluate/cohort-table.js';
import { readVolume, writeNifti } from '../../../src/formats/index.js';
import { readDataset } from '../../../src/train/dataset.js';
import { findPublicCases } from '../../../src/train/public/find-cases.js';
import { type PublicName, publicLayouts } from '../../../src/train/public/layouts.js';
import { makeDataset } from '../../../src/train/public/make-dataset.js';
import { countNonZero } from '../../../src/volume/volume.js';
import { runForTests } from '../../support/dicom-folder.js';
import { describeWithData, sharedData } from '../../support/shared-data.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const run = runForTests();
const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as const;
const size = [4, 3, 2] as const;

/** An image whose voxels count up from 1, or a mask with this value in its third voxel. */
const image = (value?: number) => ({
  size,
  affine,
  data: Uint8Array.from({ length: 24 }, (_, at) =>
    value === undefined ? at + 1 : at === 2 ? value : at === 5 ? 2 : 0,
  ),
});

/** A made-up download; files called like masks hold a value, brain masks leave out the first voxel. */
async function download(files: readonly string[], value = 1): Promise<string> {
  const path = temporaryFolder();
  for (const file of files) {
    mkdirSync(dirname(path(file)), { recursive: true });
    const isBrain = /brainmask/.test(file);
    const isMask = /mask|MASK|gt|Consensus|Manual|ground_truth|wmh/.test(file);
    const drawn = image(isMask ? value : undefined);
    const brain = { ...drawn, data: drawn.data.map((_, at) => (at === 0 ? 0 : 1)) };
    await writeNifti(path(file), isBrain ? brain : drawn);
  }
  return path();
}

async function made(name: PublicName, folder: string, reader?: string) {
  const layout = publicLayouts[name];
  const out = join(temporaryFolder()(), 'Dataset001_Made');
  const found = await findPublicCases(folder, name, layout, reader);
  const { notes } = await makeDataset(found, layout, out, run);
  const { rows } = await readCohort(join(out, 'cohort.csv'));
  return { out, notes, rows, dataset: await readDataset(out) };
}

describe('dataset from', () => {
  it('reads ISBI 2015: four visits and two readers', async () => {
    const visit = (person: string, visit: string) =>
      ['flair', 'mprage', 'pd', 't2']
        .map((name) => `training/${person}/preprocessed/${person}_${visit}_${name}_pp.nii`)
        .concat(
          [1, 2].map((reader) => `training/${person}/masks/${person}_${visit}_mask${reader}.nii`),
        );
    const folder = await download([...visit('training01', '01'), ...visit('training01', '02')]);
    const { dataset, rows, notes } = await made('isbi2015', folder);
    expect(dataset.channelNames).toEqual(['FLAIR', 'T1', 'T2']);
    expect(dataset.cases.map(({ name }) => name)).toEqual([
      'isbi2015_training01_01',
      'isbi2015_training01_02',
    ]);
    expect(rows[1]).toMatchObject({ patient: 'isbi2015_training01', scanner: 'isbi2015' });
    expect(notes).toEqual([]);
    const second = await made('isbi2015', folder, 'reader2');
    expect(readFileSync(join(second.out, 'cohort.csv'), 'utf8')).toContain(',train,reader2\n');
    await expect(made('isbi2015', folder, 'reader3')).rejects.toMatchObject({ code: 'usage' });
  });

  it('reads MSSEG 2016: a centre is a scanner, the consensus comes first', async () => {
    const person = (centre: string, masks: readonly string[]) => [
      ...['FLAIR', 'T1', 'T2', 'DP', 'GADO'].map(
        (name) => `Training/${centre}/Patient_01/Preprocessed_Data/${name}_preprocessed.nii.gz`,
      ),
      ...masks.map((name) => `Training/${centre}/Patient_01/Masks/${name}.nii.gz`),
    ];
    const { rows, dataset, notes } = await made(
      'msseg2016',
      await download([
        ...person('Center_01', ['Consensus', 'ManualSegmentation_1']),
        ...person('Center_07', ['ManualSegmentation_2']),
        ...person('Center_08', []),
      ]),
    );
    expect(rows.map(({ scanner }) => scanner)).toEqual(['Center_01', 'Center_07']);
    expect(dataset.cases[0].name).toBe('msseg2016_Center01_Patient01');
    expect(notes).toEqual(['msseg2016_Center08_Patient01: no mask']);
  });

  it('reads the longitudinal ones as change since an earlier FLAIR', async () => {
    const folder = await download([
      'longitudinal/coregistered/patient01/study1_FLAIR.nii.gz',
      'longitudinal/coregistered/patient01/study2_FLAIR.nii.gz',
      'longitudinal/coregistered/patient01/study2_T1W.nii.gz',
      'longitudinal/coregistered/patient01/gt.nii.gz',
      'longitudinal/coregistered/patient01/brainmask.nii.gz',
      'longitudinal/coregistered/patient02/study2_FLAIR.nii.gz',
      'longitudinal/coregistered/patient02/gt.nii.gz',
    ]);
    const { dataset, notes } = await made('open-ms-change', folder);
    expect(dataset.channelNames).toEqual(['FLAIR', 'FLAIR_EARLIER', 'T1']);
    expect(dataset.classNames).toEqual(['background', 'change']);
    expect([...notes].sort()).toEqual([
      'open-ms-change_patient01: no T2',
      'open-ms-change_patient02: no T1',
      'open-ms-change_patient02: no T2',
      'open-ms-change_patient02: no earlier FLAIR',
    ]);
    const files = ['flair_time01', 'flair_time02'].map(
      (name) => `training/013/${name}_on_middle_space.nii.gz`,
    );
    const { cases } = await findPublicCases(
      await download([
        ...files,
        'training/013/ground_truth.nii.gz',
        'training/013/ground_truth_expert1.nii.gz',
      ]),
      'msseg2',
      publicLayouts.msseg2,
      undefined,
    );
    expect(cases[0]).toMatchObject({ name: 'msseg2_013', reader: 'consensus', split: 'train' });
    expect(cases[0].earlier).toContain('flair_time01');
  });

  it('reads open-ms: brain by the publisher’s mask, names with and without the patient', async () => {
    const folder = await download([
      ...['FLAIR', 'T1W', 'T2W', 'T1WKS', 'consensus_gt', 'patient01_brainmask'].map(
        (name) => `cross_sectional/coregistered/patient01/${name}.nii.gz`,
      ),
      ...['FLAIR', 'T1W', 'patient06_consensus_gt', 'brainmask'].map(
        (name) => `cross_sectional/coregistered/patient06/${name}.nii.gz`,
      ),
      'cross_sectional/raw/patient01/FLAIR.nii.gz',
    ]);
    const { out, dataset } = await made('open-ms', folder);
    expect(dataset.cases).toHaveLength(2);
    expect(dataset.optionalChannels).toEqual(['T2']);
    const { volume } = await readVolume(join(out, 'imagesTr', 'open-ms_patient06_0000.nii.gz'));
    expect([...volume.data].slice(0, 3)).toEqual([0, 2, 3]);
  });

  it('reads MSLesSeg, MS3SEG and WMH, and takes only lesions of masks with more labels', async () => {
    const lesseg = await made(
      'mslesseg',
      await download(
        ['FLAIR', 'T1', 'T2', 'MASK'].map((name) => `train/P1/T2/P1_T2_${name}.nii.gz`),
      ),
    );
    expect(lesseg.rows[0]).toMatchObject({ case: 'mslesseg_P1_T2', split: 'train' });
    const tabriz = await made(
      'ms3seg',
      await download(
        [
          ...['T1', 'T2', 'FLAIR'].map(
            (name) => `preprocessed_nifti/patient_001/001_${name}_preprocessed.nii.gz`,
          ),
          'masks/patient_001/001_mask.nii.gz',
        ],
        3,
      ),
    );
    const { volume } = await readVolume(join(tabriz.out, 'labelsTr', 'ms3seg_001.nii.gz'));
    // The label 2 of the sixth voxel is what experts judged normal.
    expect([...volume.data].flatMap((value, at) => (value === 1 ? [at] : []))).toEqual([2]);
    const { cases } = await findPublicCases(
      await download([
        'training/Utrecht/0/pre/FLAIR.nii.gz',
        'training/Utrecht/0/pre/T1.nii.gz',
        'training/Utrecht/0/wmh.nii.gz',
        'training/Amsterdam/GE3T/100/pre/FLAIR.nii.gz',
        'training/Amsterdam/GE3T/100/wmh.nii.gz',
      ]),
      'wmh',
      publicLayouts.wmh,
      undefined,
    );
    expect(cases.map(({ name, scanner }) => [name, scanner])).toEqual([
      ['wmh_AmsterdamGE3T_100', 'Amsterdam/GE3T'],
      ['wmh_Utrecht_0', 'Utrecht'],
    ]);
  });

  it('says what it looked for where nothing lies as in the layout, and leaves nothing behind', async () => {
    const folder = await download(['somewhere/flair.nii.gz']);
    await expect(made('wmh', folder)).rejects.toMatchObject({
      code: 'bad-dataset',
      details: { expected: expect.stringContaining('training/Utrecht/0/pre/FLAIR.nii.gz') },
    });
    const damaged = await download(
      ['FLAIR', 'MASK'].map((name) => `train/P1/T1/P1_T1_${name}.nii.gz`),
    );
    writeFileSync(join(damaged, 'train/P1/T1/P1_T1_MASK.nii.gz'), 'none');
    const out = temporaryFolder();
    const found = await findPublicCases(damaged, 'mslesseg', publicLayouts.mslesseg, undefined);
    await expect(makeDataset(found, publicLayouts.mslesseg, out('set'), run)).rejects.toMatchObject(
      { code: 'bad-dataset' },
    );
    expect(existsSync(out('set'))).toBe(false);
    expect(readdirSync(out())).toEqual([]);
  });
});

describeWithData('dataset from, on real images', () => {
  it('makes a training set of an exam of MSLesSeg, its mask as it was', async () => {
    const folder = temporaryFolder();
    const visit = folder('train', 'P18', 'T1');
    mkdirSync(visit, { recursive: true });
    const files = { flair: 'FLAIR', t1: 'T1', lesions: 'MASK' };
    for (const [name, called] of Object.entries(files)) {
      const file = sharedData('lesions', 'mslesseg-P18-T1', `${name}.nii.gz`);
      copyFileSync(file, join(visit, `P18_T1_${called}.nii.gz`));
    }
    const { out, notes } = await made('mslesseg', folder());
    expect(notes).toEqual(['mslesseg_P18_T1: no T2']);
    const name = 'mslesseg_P18_T1';
    const { volume } = await readVolume(join(out, 'labelsTr', `${name}.nii.gz`));
    const given = await readVolume(join(visit, 'P18_T1_MASK.nii.gz'));
    expect(countNonZero(volume.data)).toBe(countNonZero(given.volume.data));
    const image = await readVolume(join(out, 'imagesTr', `${name}_0000.nii.gz`));
    const flair = await readVolume(join(visit, 'P18_T1_FLAIR.nii.gz'));
    expect(image.volume.affine).toEqual(flair.volume.affine);
    const before = flair.volume.data;
    expect(image.volume.data.every((value, at) => value === before[at])).toBe(true);
  });
});
