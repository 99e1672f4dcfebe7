import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeNifti, writeTransform } from '../../src/formats/index.js';
import { writeQueuedJobs } from '../../src/jobs/queued-jobs.js';
import { identity } from '../../src/volume/affine.js';
import { toFloat32, type Volume } from '../../src/volume/volume.js';
import { makePhantom, someLesions } from '../segment/phantom.js';
import { phantomLabels, phantomMasks, smallPose } from '../synthesize/phantom.js';
import { goldenPath } from '../train/nnunet-goldens.js';
import { demoExam, temporaryFolder } from './dawson.js';
import { filesOfVolume } from './dicom-series.js';
import { drawnExam, ofSmallBrain, scatteredBlobs } from './report-exam.js';
import { writeThresholdModel } from './threshold-model.js';

const folder = temporaryFolder();
export const at = (...names: string[]) => join(folder, ...names);
const images = ['--flair', at('flair.nii.gz'), '--t2', at('t2.nii.gz'), '--t1', at('t1.nii.gz')];
const brainOnly = ['--brain-extracted', '--registered', '--ignore-quality'];
const nnunet = fileURLToPath(new URL('../goldens/segment/nnunet-model', import.meta.url));
const trainedBy = (name: string) =>
  fileURLToPath(new URL(`../goldens/segment/nnunet-trainers/v2/${name}`, import.meta.url));
const cohort = ['--references', at('masks'), '--predictions', at('others')];
const measured = ['--definition', 'any-overlap', '--minimum-mm3', '3', '--margin', '0.1'];
const trained = ['train', at('dataset'), '--out', at('training'), '--threads', '1'];

const batch = [
  ...['batch', at('persons'), '--flair', 'flair*', '--t2', 't2*', '--t1', 't1*', '--jobs', '2'],
  ...['--segmenter', 'nnunet', '--model', at('model'), ...brainOnly, '--no-report'],
  ...['--engine', 'local', '--out', at('batch')],
];

const once = ['--epochs', '1', '--steps', '1'];

/** Command lines that have to succeed, in this order; together they have every option of each. */
export const runs: readonly (readonly string[])[] = [
  [
    ...['segment', ...images, '--brain-extracted', '--ignore-quality', '--model', at('model')],
    ...[
      '--no-preparation',
      '--no-mirror',
      '--step-size',
      '1',
      '--keep-intermediate',
      '--patient',
      'A',
      '--quiet',
    ],
    ...['--date', '2026-01-31', '--device', 'cpu', '--threads', '1', '--no-report'],
    ...['--alignment', 'rigid-to-finest', '--out', at('as-read')],
  ],
  batch,
  [...batch, '--dry-run'],
  ['dicom', 'list', at('dicom'), '--rules', at('rules.json')],
  [
    ...['dicom', 'convert', at('dicom'), '--series', '1.2.3.1', '--stack', '1'],
    ...['--out', at('converted.nii')],
  ],
  [
    ...['segment', '--dicom', at('dicom'), '--study', '1.2.3', '--rules', at('rules.json')],
    ...['--segmenter', 'lst-lga', '--kappa', '0.2', ...brainOnly, '--out', at('of-dicom')],
    ...['--previous-dicom', at('dicom-before'), '--paper', 'letter', '--language', 'da', '--json'],
  ],
  [
    'dicom',
    'export',
    at('of-dicom'),
    '--dicom',
    at('dicom'),
    '--out',
    at('objects'),
    '--deidentify',
  ],
  ['track', '--exam', at('first'), '--exam', at('second'), '--sensitivity', '--out', at('change')],
  [
    ...['report', at('second'), '--previous', at('first'), '--sensitivity', '--out', at('r.pdf')],
    ...['--html', at('r.html'), '--preview', at('preview'), '--paper', 'letter'],
    ...['--language', 'da'],
  ],
  ['info', at('t1.nii.gz')],
  ['reorient', at('t1.nii.gz'), '--to', 'LPS', '--out', at('lps.nii.gz')],
  [
    ...['register', '--fixed', at('flair.nii.gz'), '--moving', at('t1.nii.gz'), '--dof', '6'],
    ...['--out', at('aligned.nii.gz'), '--transform', at('aligned.txt')],
  ],
  [
    ...['apply-transform', at('t1.nii.gz'), '--grid', at('flair.nii.gz')],
    ...['--transform', at('i.txt'), '--interpolation', 'nearest', '--out', at('applied.nii.gz')],
  ],
  ['extract-brain', demoExam('flair'), '--anatomy', at('parts.nii.gz'), '--out', at('brain.nii')],
  ['evaluate', '--reference', at('masks', 'a.nii'), '--prediction', at('others', 'a.nii')],
  [
    ...['evaluate', ...cohort, ...measured, '--resample', '--cohort', at('cohort.tsv')],
    ...['--flairs', at('flairs'), '--out', at('evaluation')],
  ],
  ['compare', at('masks'), at('others'), '--out', at('readers')],
  [
    ...['compare', at('masks'), at('others'), ...measured, '--resample'],
    ...['--references', at('masks'), '--out', at('comparison')],
  ],
  [
    ...[
      'synthesize',
      '--seed',
      '7',
      // Its slices are thick, and few.
      '--scanner',
      '11',
      '--data',
      at('synthesis'),
      '--cache',
      at('cache'),
    ],
    ...['--preview', '--out', at('synthetic')],
  ],
  [
    ...['dataset', 'from', 'mslesseg', at('download'), '--reader', 'consensus'],
    ...['--out', at('public')],
  ],
  ['plan', at('dataset'), '--architecture', 'residual', '--memory', '0.5', '--out', at('training')],
  [
    ...[...trained, '--fold', '0', ...once, '--learning-rate', '0.01', '--seed', '2'],
    ...['--cache', at('prepared-cases')],
    ...['--loss', 'dice-and-cross-entropy', '--optimiser', 'adamw', '--augmentation', 'none'],
    ...['--cohort', at('train.csv'), '--stratify', 'scanner', '--device', 'cpu'],
  ],
  [...trained, '--fold', 'all', ...once],
  [...trained, '--fold', 'all', ...once, '--resume'],
  [
    ...['train', at('dataset'), '--out', at('tuned'), '--threads', '1', '--fold', 'all', ...once],
    ...['--init', at('training', 'model_all'), '--splits', at('training', 'splits_final.json')],
  ],
  ['plan', at('dataset'), '--configuration', '2d', '--memory', '0.5', '--out', at('slices')],
  [
    ...['train', at('dataset'), '--configuration', '2d', '--out', at('slices'), '--threads', '1'],
    ...['--fold', 'all', ...once],
  ],
  ['experiment', 'run', at('paper.json'), '--engine', 'local', '--jobs', '1', '--out', at('paper')],
  [
    'experiment',
    'check',
    at('paper.json'),
    '--engine',
    'local',
    '--jobs',
    '1',
    '--out',
    at('paper'),
  ],
  ['experiment', 'report', at('paper.json'), '--out', at('paper')],
  [
    ...['model', 'import', nnunet, '--orientation', 'LPS', '--name', 'mine'],
    ...['--channels', 'FLAIR,T1', '--lesions', 'lesion,2', '--checkpoint', 'final'],
    ...['--trainer-is', 'nnUNetTrainer', '--out', at('imported')],
  ],
  [
    ...['predict', at('imported'), '--in', at('dataset', 'imagesTr'), '--out', at('labels')],
    ...['--folds', '0', '--step-size', '1', '--no-mirror', '--probabilities'],
    ...['--device', 'cpu', '--threads', '1'],
  ],
  ['model', 'import', trainedBy('low-resolution'), '--orientation', 'LPS', '--out', at('low')],
  ['predict', at('low'), '--in', at('dataset', 'imagesTr'), '--out', at('low-labels')],
  ['model', 'import', trainedBy('cascade'), '--orientation', 'LPS', '--out', at('cascade')],
  [
    ...['predict', at('cascade'), '--in', at('dataset', 'imagesTr'), '--out', at('labels-2')],
    ...['--previous-stage', at('low-labels')],
  ],
  [
    ...['train', at('dataset'), '--init', at('cascade'), '--fold', 'all', ...once],
    ...['--previous-stage', at('found'), '--threads', '1', '--out', at('second')],
  ],
  ['model', 'show', at('imported')],
  ['model', 'export', at('imported'), '--out', at('exported')],
  ['job', at('jobs.json'), '0', '--threads', '1'],
  ['gateway', 'init', at('example.json')],
  ['gateway', 'run', '--config', at('gateway.json'), '--check'],
];

/** Makes what the {@link runs} read. */
export async function makeInputs(): Promise<void> {
  const coarse = { size: [33, 37, 28], spacingMm: [4, 4, 4] } as const;
  const { exam, lesions } = makePhantom({ ...coarse, lesions: someLesions });
  for (const name of ['flair', 't1', 't2'] as const) {
    await writeNifti(at(`${name}.nii.gz`), exam[name]);
  }
  writeDicom('dicom', '1.2.3', '20260131', exam.flair);
  writeDicom('dicom-before', '1.2.2', '20250131', exam.flair);
  mkdirSync(at('persons', 'A'), { recursive: true });
  mkdirSync(at('download', 'P1', 'T1'), { recursive: true });
  for (const name of ['flair', 't1', 't2'] as const) {
    await writeNifti(at('persons', 'A', `${name}.nii.gz`), exam[name]);
    const public_ = at('download', 'P1', 'T1', `P1_T1_${name.toUpperCase()}.nii.gz`);
    await writeNifti(public_, exam[name]);
  }
  await writeNifti(at('download', 'P1', 'T1', 'P1_T1_MASK.nii.gz'), lesions);
  writeExperiment();
  await writeJob();
  await writeTransform(at('i.txt'), identity);
  await writeThresholdModel((name) => at(name), {
    channels: ['FLAIR', 'T1w', 'T2'],
    optional: ['T1w', 'T2'],
  });
  const blobs = scatteredBlobs(3, () => 6);
  await writeResult('first', blobs.slice(1), '2025-01-01');
  await writeResult('second', blobs, '2026-01-01');
  await writeCohort();
  await writeSynthesisData();
  writeDataset();
  writeGateway();
}

/** A gateway from a watched folder to a folder. */
function writeGateway(): void {
  for (const name of ['inbox', 'delivered']) mkdirSync(at(name));
  const config = {
    ...{ schema: 'dawson-gateway', schemaVersion: 1, state: 'state', limits: { freeGiB: 0 } },
    folders: [{ path: 'inbox' }],
    destinations: [{ name: 'out', kind: 'folder', path: 'delivered' }],
  };
  writeFileSync(at('gateway.json'), JSON.stringify(config));
}

async function writeResult(name: string, blobs: ReturnType<typeof scatteredBlobs>, date: string) {
  const drawn = ofSmallBrain(drawnExam({ blobs, withRegions: false }));
  const { findings, flair, lesions, brain } = drawn;
  mkdirSync(at(name));
  const volumes = { flair, lesions, brain, probability: toFloat32(lesions) };
  for (const [file, volume] of Object.entries(volumes)) {
    await writeNifti(at(name, `${file}.nii.gz`), volume);
  }
  const described = { ...findings, exam: { patient: { id: 'A' }, date } };
  writeFileSync(at(name, 'findings.json'), JSON.stringify(described));
}

/** A FLAIR as a folder of DICOM files, and a rule that takes it. */
function writeDicom(name: string, study: string, date: string, flair: Volume): void {
  const whole = { ...flair, data: flair.data.map((value) => Math.max(0, Math.round(value))) };
  mkdirSync(at(name));
  const elements = { '00080020': ['DA', date] } as const;
  const spec = { number: 1, sequence: 'IR', tr: 9000, te: 100, ti: 2500, study, elements };
  for (const [slice, bytes] of filesOfVolume(whole, spec).entries()) {
    writeFileSync(at(name, `${slice}`), bytes);
  }
  const rules = [{ use: 'flair', where: { seriesNumber: 1 } }];
  const document = { schema: 'dawson-dicom-rules', schemaVersion: 1, rules };
  writeFileSync(at('rules.json'), JSON.stringify(document));
}

/** Three cases of masks, which are those of two results, and their FLAIRs. */
async function writeCohort(): Promise<void> {
  for (const name of ['masks', 'others', 'flairs']) mkdirSync(at(name));
  const blobs = scatteredBlobs(5, () => 5);
  for (const [index, name] of ['a', 'b', 'c'].entries()) {
    const { flair, lesions } = drawnExam({ blobs: blobs.slice(index), withRegions: false });
    await writeNifti(at('masks', `${name}.nii`), lesions);
    const { lesions: other } = drawnExam({ blobs: blobs.slice(index + 1), withRegions: false });
    await writeNifti(at('others', `${name}.nii`), other);
    await writeNifti(at('flairs', `${name}.nii`), flair);
  }
  writeFileSync(at('cohort.tsv'), 'case\tscanner\na\tVerio\nb\tVerio\nc\tPrisma\n');
}

async function writeSynthesisData(): Promise<void> {
  for (const name of ['heads', 'lesions']) mkdirSync(at('synthesis', name), { recursive: true });
  await writeNifti(at('synthesis', 'heads', 'head.nii.gz'), phantomLabels(smallPose));
  for (const [index, mask] of phantomMasks.entries()) {
    await writeNifti(at('synthesis', 'lesions', `person-${index}.nii.gz`), mask);
  }
}

/** The small training set of nnU-Net's goldens with two more cases: five folds have one each. */
function writeDataset(): void {
  cpSync(goldenPath('dataset'), at('dataset'), { recursive: true });
  for (const name of ['iso', 'thick-z']) {
    for (const file of ['imagesTr/X_0000', 'imagesTr/X_0001', 'labelsTr/X']) {
      const path = (id: string) => at('dataset', `${file.replace('X', id)}.nii.gz`);
      copyFileSync(path(name), path(`${name}-again`));
    }
  }
  cpSync(at('dataset', 'labelsTr'), at('found'), { recursive: true });
  const description = JSON.parse(readFileSync(at('dataset', 'dataset.json'), 'utf8'));
  writeFileSync(at('dataset', 'dataset.json'), JSON.stringify({ ...description, numTraining: 5 }));
  const cases = ['iso', 'iso-again', 'thick-x', 'thick-z', 'thick-z-again'];
  const rows = cases.map((name, index) => `${name},p${index},Verio`);
  writeFileSync(at('train.csv'), ['case,patient,scanner', ...rows, ''].join('\n'));
}

/** An experiment of two public cases: one is trained on, the other judged. */
function writeExperiment(): void {
  mkdirSync(at('download', 'P2', 'T1'), { recursive: true });
  for (const name of ['FLAIR', 'T1', 'T2', 'MASK']) {
    const path = (person: string) => at('download', person, 'T1', `${person}_T1_${name}.nii.gz`);
    copyFileSync(path('P1'), path('P2'));
  }
  const document = {
    schema: 'dawson-experiment',
    schemaVersion: 1,
    name: 'Smallest',
    dataset: 'public',
    cohort: 'public/cohort.csv',
    holdOut: ['mslesseg_P2_T1'],
    training: { memoryGb: 0.3, epochs: 1, stepsPerEpoch: 1, augmentation: 'none' },
    // The same network as that of all training cases: one is trained.
    questions: [{ kind: 'compare', name: 'The same', training: { seed: 1 } }],
  };
  writeFileSync(at('paper.json'), JSON.stringify(document));
}

/** As `--engine slurm` writes it for the nodes of a cluster. */
const writeJob = () =>
  writeQueuedJobs(at('jobs.json'), {
    jobs: [
      {
        id: 'job',
        command: ['plan', at('dataset'), '--quiet', '--out', at('planned')],
        reads: [at('dataset')],
        writes: at('planned'),
        memoryBytes: 2 ** 30,
      },
    ],
    records: at('records'),
  });
