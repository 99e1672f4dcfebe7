import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { writeNifti, writeTransform } from '../../src/formats/index.js';
import { writeSafetensors } from '../../src/formats/safetensors.js';
import { exampleConfig } from '../../src/gateway/example-config.js';
import { writeQueuedJobs } from '../../src/jobs/queued-jobs.js';
import { argmax } from '../../src/model/lesion-rule.js';
import { writeModelFolder } from '../../src/model/model-folder.js';
import { initialWeights, networkPlanOf } from '../../src/network/index.js';
import { changeSchema } from '../../src/quantify/change.js';
import { changeRule } from '../../src/quantify/classify-change.js';
import { notice } from '../../src/quantify/findings.js';
import { writeChecked } from '../../src/train/checkpoint.js';
import { candidateRules } from '../../src/train/choose-post-processing.js';
import { planFor } from '../../src/train/plan.js';
import type { Mat4 } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import { sliceElements } from './dicom-series.js';
import { dicomBytes, syntaxOf } from './dicom-writer.js';
import { drawnChange, drawnExam } from './report-exam.js';
import { zipOf } from './zip.js';

/** A folder with a valid input, the file of it that is mutated, and who reads it. */
export interface HostileInput {
  readonly reader: string;
  readonly folder: string;
  readonly file: string;
  /** Whether a checksum covers it: then it is refused, or read as it was. */
  readonly isChecked: boolean;
}

/** How the reading of a mutant ended. */
export interface Outcome {
  readonly number: number;
  readonly reader: string;
  readonly file: string;
  readonly what: string;
  readonly how: 'read' | 'refused' | 'defect' | 'crash' | 'hang';
  readonly same?: boolean;
  readonly isLong?: boolean;
  readonly text?: string;
  readonly seconds?: number;
  readonly extraBytes?: number;
}

const golden = (name: string) =>
  fileURLToPath(new URL(`../goldens/segment/${name}`, import.meta.url));

/** Valid inputs for every reader, in folders below one. */
export async function hostileInputs(top: string): Promise<HostileInput[]> {
  const inputs: HostileInput[] = [];
  const place = (reader: string, file: string, isChecked = false): string => {
    const folder = join(top, String(inputs.length));
    mkdirSync(folder, { recursive: true });
    inputs.push({ reader, folder, file, isChecked });
    return join(folder, file);
  };
  const json = (value: unknown) => JSON.stringify(value, null, 1);
  const affine: Mat4 = [1, 0, 0, -5, 0, 1.2, 0, 3, 0, 0, 3, 8, 0, 0, 0, 1];
  const size = [7, 6, 5] as const;
  const data = Float32Array.from({ length: 210 }, (_, at) => 100 * Math.sin(at));
  const volume = { size, affine, data };
  await writeNifti(place('image', 'flair.nii'), volume);
  await writeNifti(place('image', 'flair.nii.gz', true), volume);
  const header = (name: string, more = '') =>
    `ObjectType = Image\nNDims = 3\nDimSize = 7 6 5\nElementSpacing = 1 1.2 3\nOffset = 0 0 0\n` +
    `TransformMatrix = 1 0 0 0 1 0 0 0 1\n${more}ElementType = MET_FLOAT\nElementDataFile = ${name}\n`;
  writeFileSync(
    place('image', 'flair.mha'),
    Buffer.concat([Buffer.from(header('LOCAL')), Buffer.from(data.buffer)]),
  );
  const detached = place('image', 'flair.mhd');
  writeFileSync(detached, header('flair.raw'));
  writeFileSync(join(detached, '..', 'flair.raw'), Buffer.from(data.buffer));
  await writeTransform(place('transform', 'transform.txt'), affine);
  writeFileSync(
    place('exam.json', 'exam.json'),
    json({ patient: { id: 'A' }, date: '2026-01-31', scanner: { fieldStrengthTesla: 3 } }),
  );
  writeFileSync(
    place('exam.json', 'flair.json'),
    json({ Manufacturer: 'Siemens', RepetitionTime: 9, AcquisitionDateTime: '20260131120000' }),
  );
  const { findings } = drawnExam({ blobs: [{ centreMm: [30, 10, 20], radiusMm: 6 }] });
  writeFileSync(place('findings', 'findings.json'), json(findings));
  writeFileSync(
    place('rules of a site', 'rules.json'),
    json({
      schema: 'dawson-dicom-rules',
      schemaVersion: 1,
      rules: [{ use: 'flair', where: { description: 'dark fluid' } }],
    }),
  );
  writeFileSync(
    place('cohort', 'cohort.csv'),
    'case,patient,edss,scanner\na,p1,2.5,Avanto\nb,p2,3,Prisma\nc,p3,,Prisma\n',
  );
  const spec = { number: 3, description: 'FLAIR', rows: 8, columns: 8, slices: 3 };
  const slice = (at: number) => dicomBytes(sliceElements(spec, at));
  writeFileSync(place('DICOM', 'a.dcm'), slice(0));
  writeFileSync(
    place('DICOM', 'b.dcm'),
    dicomBytes(sliceElements(spec, 1), { syntax: syntaxOf.implicit }),
  );
  writeFileSync(
    place('a zip of DICOM', 'exam.zip'),
    zipOf({ 'a.dcm': slice(0), 'b.dcm': slice(1) }),
  );
  const plans = planFor(
    {
      spacingsMm: [[1, 1, 1]],
      shapesAfterCrop: [[16, 16, 16]],
      intensities: [0, 1].map(() => ({
        ...{ mean: 0, median: 0, std: 1, min: 0, max: 1 },
        ...{ percentile_00_5: 0, percentile_99_5: 1 },
      })),
      medianRelativeSizeAfterCropping: 0.5,
      orientation: 'RAS',
    },
    { name: 'small', channelNames: ['FLAIR', 'T1'], classCount: 2, caseCount: 5 },
    { architecture: 'plain', memoryGb: 8 },
  );
  const { arch_kwargs: layers } = plans.configurations['3d_fullres'].architecture;
  Object.assign(layers, { features_per_stage: layers.features_per_stage.map(() => 1) });
  writeFileSync(place('plans', 'plans.json'), json(plans));
  const network = networkPlanOf(
    JSON.parse(json(plans)),
    '3d_fullres',
    { inputChannels: 2, classes: 2 },
    'plans.json',
  );
  const tensors = initialWeights(network, seededRandom(1));
  await writeSafetensors(place('safetensors', 'w.safetensors'), { tensors, metadata: {} });
  await writeChecked(place('a checkpoint', 'checkpoint.safetensors', true), tensors, { a: 'b' });
  for (const file of ['plans.json', 'fold_0.safetensors', 'model.json']) {
    place('a model folder', file, file !== 'model.json');
    const { folder } = inputs.at(-1)!;
    await writeModelFolder(
      folder,
      {
        ...{ name: 'small', version: '1', training: {}, orientation: 'RAS', mirrorAxes: [0] },
        average: 'logits',
        rule: argmax,
      },
      plans,
      { channel_names: { 0: 'FLAIR', 1: 'T1' }, labels: { background: 0, lesion: 1 } },
      new Map([[0, (path) => writeSafetensors(path, { tensors, metadata: {} })]]),
    );
  }
  cpSync(
    join(golden('nnunet-model'), 'fold_0', 'checkpoint_final.pth'),
    place('a checkpoint of PyTorch', 'checkpoint.pth', true),
  );
  for (const file of ['plans.json', 'dataset.json', 'fold_0/checkpoint_final.pth']) {
    place('nnU-Net v2', file);
    cpSync(golden('nnunet-model'), inputs.at(-1)!.folder, { recursive: true });
  }
  const v1 = 'fold_0/model_final_checkpoint.model.pkl';
  place('nnU-Net v1', v1);
  cpSync(golden('nnunet-v1-model'), inputs.at(-1)!.folder, { recursive: true });
  cpSync(join(golden('nnunet-v1-model'), v1), place('pickle', 'plans.pkl'));
  const dataset = join(top, String(inputs.length));
  writeFileSync(
    place('a training set', 'dataset.json'),
    json({
      channel_names: { 0: 'FLAIR' },
      labels: { background: 0, lesion: 1 },
      numTraining: 1,
      file_ending: '.nii.gz',
    }),
  );
  for (const [folder, name] of [
    ['imagesTr', 'a_0000'],
    ['labelsTr', 'a'],
  ]) {
    mkdirSync(join(dataset, folder));
    writeFileSync(join(dataset, folder, `${name}.nii.gz`), '');
  }
  // An experiment reads the training set that it names.
  const experiment = place('an experiment', 'paper.json');
  cpSync(dataset, join(experiment, '..', 'set'), { recursive: true });
  writeFileSync(join(experiment, '..', 'cohort.csv'), 'case,patient,scanner\na,p1,Avanto\n');
  writeFileSync(
    experiment,
    json({
      ...{ schema: 'dawson-experiment', schemaVersion: 1, name: 'Small' },
      ...{ dataset: 'set', cohort: 'cohort.csv', holdOut: ['a'] },
      training: { memoryGb: 1, epochs: 2, stepsPerEpoch: 3, augmentation: 'none' },
      questions: [{ kind: 'compare', name: 'The same', training: { seed: 1 } }],
    }),
  );
  writeFileSync(
    place('given folds', 'splits_final.json'),
    json([
      { train: ['a', 'b'], val: ['c'] },
      { train: ['c'], val: ['a', 'b'] },
    ]),
  );
  writeFileSync(
    place('a table of exams', 'exams.tsv'),
    'exam\tpatient\tflair\tt1\nA\tp1\ta.nii\tb.nii\nB\tp2\tc.nii\tn/a\n',
  );
  writeFileSync(place('a gateway', 'gateway.json'), exampleConfig);
  writeFileSync(
    place('an order of a gateway', 'order.json'),
    json({
      ...{ schema: 'dawson-gateway-order', schemaVersion: 1, studyUid: '1.2.3' },
      ...{ earlier: ['0123456789abcdef0123456789abcdef'], onlyCompared: false },
      ...{ language: 'en', paper: 'a4', hasRules: false },
    }),
  );
  await writeQueuedJobs(place('jobs of a cluster', 'jobs.json'), {
    jobs: [
      {
        ...{ id: 'plan', command: ['plan', 'set', '--out', 'planned'], reads: ['set'] },
        ...{ writes: 'planned', memoryBytes: 2 ** 30 },
      },
    ],
    records: 'records',
  });
  await writeChangeOf(place('change', 'change.json'));
  const record = { epoch: 0, learningRate: 0.01, trainingLoss: 1, seconds: 2, waitingSeconds: 1 };
  writeFileSync(
    place('a log', 'log.jsonl'),
    [0, 1, 2]
      .map((epoch) => `${JSON.stringify({ ...record, epoch, pseudoDice: [null] })}\n`)
      .join(''),
  );
  const validation = place('a validation', 'fold_0/validation.json');
  mkdirSync(join(validation, '..'), { recursive: true });
  const judged = { dice: 0.5, diceByRule: candidateRules.map(() => 0.5) };
  writeFileSync(validation, json({ cases: { a: judged } }));
  return inputs;
}

/** A comparison with what {@link drawnChange} draws, and its map. */
async function writeChangeOf(file: string): Promise<void> {
  const volumes = { currentVolumeMl: 0.2, previousVolumeMl: 0.1 };
  const { comparison } = drawnChange([
    { changeClass: 'enlarged', currentIds: [1], previousIds: [1], ...volumes },
    { changeClass: 'new', currentIds: [2], previousIds: [], ...volumes, previousVolumeMl: 0 },
  ]);
  const exam = {
    ...{ flairSha256: 'a'.repeat(64), voxelSizeMm: [1, 1, 1], lesionCount: 2 },
    ...{ lesionVolumeMl: 0.4, brainVolumeMl: 1200 },
  };
  const lesions = comparison.lesions.map((lesion, at) => ({ ...lesion, seriesId: at + 1 }));
  const document = {
    ...{ ...changeSchema, notice, program: { name: 'dawson', version: '0.1.0' } },
    rule: changeRule,
    exams: [
      { folder: 'folder 1', ...exam },
      { folder: 'folder 2', ...exam },
    ],
    consecutive: [{ ...comparison, lesions }],
    ...{ sinceFirst: [], lesionsOverTime: [], leftOut: [], cautions: [] },
  };
  writeFileSync(file, JSON.stringify(document, null, 1));
  const map = Uint8Array.from({ length: 64 }, (_, at) => at % 3);
  const affine: Mat4 = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  await writeNifti(join(file, '..', 'change.nii.gz'), { size: [4, 4, 4], affine, data: map });
}

const child = fileURLToPath(new URL('./hostile-reader.mjs', import.meta.url));

/** Longer than any of these small files takes to read, with the processor shared by others. */
const longestWaitMs = 120_000;

/** Reads mutants number 0 to `count`; a process that dies or hangs of one is replaced for the next. */
export async function readMutants(
  inputs: readonly HostileInput[],
  { seed, count }: { seed: number; count: number },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'dawson-jobs-'));
  const jobs = join(folder, 'jobs.json');
  for (let from = 0; from < count; ) {
    writeFileSync(jobs, JSON.stringify({ seed, from, to: count, inputs }));
    const { ended, unfinished, failure } = await readInProcess(jobs);
    outcomes.push(...ended);
    if (!unfinished) {
      if (ended.length < count - from) throw new Error(`no mutant was read: ${failure}`);
      break;
    }
    outcomes.push({ ...unfinished, how: failure === 'hang' ? 'hang' : 'crash', text: failure });
    from = unfinished.number + 1;
  }
  rmSync(folder, { recursive: true });
  return outcomes;
}

type Begun = Pick<Outcome, 'number' | 'reader' | 'file' | 'what'>;

function readInProcess(jobs: string) {
  return new Promise<{ ended: Outcome[]; unfinished?: Begun; failure: string }>((resolve) => {
    const ended: Outcome[] = [];
    let unfinished: Begun | undefined;
    let failure = '';
    const reader = spawn(process.execPath, [child, jobs]);
    const give = () => {
      failure = 'hang';
      reader.kill('SIGKILL');
    };
    let timer = setTimeout(give, longestWaitMs);
    createInterface(reader.stdout).on('line', (line) => {
      clearTimeout(timer);
      timer = setTimeout(give, longestWaitMs);
      const { begins, ...outcome } = JSON.parse(line);
      if (!begins) ended.push(outcome);
      unfinished = begins ? outcome : undefined;
    });
    reader.stderr.on('data', (text) => {
      failure = `${failure}${text}`.slice(-1000);
    });
    reader.on('close', () => {
      clearTimeout(timer);
      resolve({ ended, unfinished, failure });
    });
  });
}

/** What no reader may do with any input. */
export function faults(inputs: readonly HostileInput[], outcomes: readonly Outcome[]): string[] {
  const checked = new Set(
    inputs.filter(({ isChecked }) => isChecked).map(({ reader, file }) => `${reader} ${file}`),
  );
  return outcomes.flatMap((outcome) => {
    const {
      number,
      reader,
      file,
      what,
      how,
      same,
      isLong,
      text,
      seconds = 0,
      extraBytes = 0,
    } = outcome;
    const fault =
      how === 'defect' || how === 'crash' || how === 'hang'
        ? `${how}: ${text}`
        : how === 'read' && !same && checked.has(`${reader} ${file}`)
          ? 'damaged, and read as something else'
          : isLong
            ? 'a message that nobody reads'
            : seconds > 10
              ? `${seconds} s of processor time`
              : extraBytes > 2 ** 30
                ? `${extraBytes} bytes of memory`
                : undefined;
    return fault ? [`mutant ${number} of ${reader} (${file}, ${what}): ${fault}`] : [];
  });
}

/** A table for people: how the mutants of each reader ended. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = new Map<
    string,
    { all: number; refused: number; same: number; other: number; slowest: number }
  >();
  for (const { reader, file, how, same, seconds = 0 } of outcomes) {
    const name = `${reader}: ${file}`;
    const row = rows.get(name) ?? { all: 0, refused: 0, same: 0, other: 0, slowest: 0 };
    row.all++;
    if (how === 'refused') row.refused++;
    else if (how === 'read') row[same ? 'same' : 'other']++;
    row.slowest = Math.max(row.slowest, seconds);
    rows.set(name, row);
  }
  const lines = [...rows].map(([name, { all, refused, same, other, slowest }]) =>
    [name.padEnd(52), all, refused, same, other, slowest.toFixed(2)].join('\t'),
  );
  return [`${'input'.padEnd(52)}\tmutants\trefused\tas it was\tother\tslowest s`, ...lines].join(
    '\n',
  );
}
