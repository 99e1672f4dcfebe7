import { basename, join } from 'node:path';
import { writeFolderWhole, writeNifti, writeTransform, writeWhole } from './formats/index.js';
import {
  type Exam,
  type ExamFiles,
  readExam,
  type Sequence,
  type SequenceName,
  sequencesOf,
} from './preprocess/exam.js';
import {
  describeExam,
  type ExamDescription,
  type GivenDescription,
} from './preprocess/exam-description.js';
import { type Preparation, type PrepareOptions, prepare, type Run } from './preprocess/prepare.js';
import { inputGate } from './preprocess/quality/input-gate.js';
import { readRegionAtlas } from './preprocess/region-atlas.js';
import { type Findings, findingsSchema, notice } from './quantify/findings.js';
import { lesionTable } from './quantify/lesion-table.js';
import {
  countOfLesions,
  type findLesions,
  type LesionRule,
  type Lesions,
} from './quantify/lesions.js';
import type { locateByAtlas, locateByLabels } from './quantify/locate.js';
import type { ClinicalReport, clinicalReport } from './report/clinical/clinical-report.js';
import type { ReportedExam, ReportInput } from './report/clinical/report-input.js';
import type { overlayPng } from './report/overlay.js';
import { openAnatomyNetwork } from './segment/anatomy-network.js';
import type { OpenSegmenter, SegmenterChoice } from './segment/segmenter.js';
import { type SegmenterName, segmenters } from './segment/segmenters.js';
import { timed } from './stage.js';
import { version } from './version.js';
import { invert, type Mat4, multiply, voxelSizeMm } from './volume/affine.js';
import { orientationOf, reorient } from './volume/reorient.js';
import { resample } from './volume/resample.js';
import { type Mask, nonZeroVolumeMl, onGrid, type Volume } from './volume/volume.js';

export interface AnalyzeOptions extends PrepareOptions, SegmenterChoice {
  readonly segmenter: SegmenterName;
  /** Go on with a sequence that surely is not what it is said to be. */
  readonly ignoreQuality: boolean;
  /** What is said about the exam besides the descriptions beside the FLAIR. */
  readonly described?: GivenDescription;
  /** Language and paper of the report; without it none is made. */
  readonly report?: Pick<ReportInput, 'language' | 'paper'>;
}

/** All that is known about an exam when the pipeline ends. Volumes lie on the FLAIR's own grid. */
export interface Analysis {
  readonly findings: Findings;
  readonly lesions: Lesions;
  readonly probability: Volume<Float32Array>;
  readonly brain: Mask;
  readonly anatomy?: Volume<Uint8Array>;
  readonly overlay: Uint8Array;
  readonly report?: ClinicalReport;
  readonly exam: Exam;
  readonly preparation: Preparation;
}

/** What touches only by a corner is one lesion: see docs/methods/lesions.md. */
const connectivity = 26;

const locationUnknown =
  'The regions of the lesions are not known: the images show no ventricles or no cerebral cortex.';

/** Where an exam comes from: NIfTI or MetaImage files, or a folder of DICOM files. */
export interface ExamSource {
  /** The sequences it has, in their fixed order. */
  readonly sequences: SequenceName[];
  describe(given?: GivenDescription): Promise<ExamDescription | undefined>;
  read(): Promise<{ exam: Exam; notes: string[] }>;
}

/** An exam whose sequences lie in a file each. */
export const examInFiles = (files: ExamFiles): ExamSource => ({
  sequences: sequencesOf(files),
  describe: (given) => describeExam(files.flair, given),
  read: () => readExam(files),
});

/** From an exam to its lesions: the method, in order. */
export async function analyze(
  source: ExamSource,
  options: AnalyzeOptions,
  { pool, stage: outerStage, signal }: Run,
): Promise<Analysis> {
  const secondsPerStage: Record<string, number> = {};
  const stage = timed(outerStage, secondsPerStage);

  const run: Run = { pool, stage, signal };
  const { open } = segmenters[options.segmenter];
  const segmenter: OpenSegmenter = await open(options, source.sequences, run);
  const description = await source.describe(options.described);
  const { exam, notes } = await stage('read', () => source.read());
  const anatomyNetwork = await openAnatomyNetwork(options.engine, pool);
  const preparation = await prepare(exam, options, run, anatomyNetwork?.findAnatomy);
  const quality = await inputGate(exam, preparation, options, run);
  const segmentation = await segmenter.segment(preparation.exam, run);
  const probability = onFlairGrid(segmentation.probability, preparation, exam);
  const brain = onFlairGrid(preparation.exam.brain, preparation, exam);
  const lesionRule: LesionRule = { ...segmentation.rule, connectivity };
  const lesions = await stage('measure', () =>
    pool.call<typeof findLesions>(
      new URL('./quantify/lesions.js', import.meta.url),
      'findLesions',
      [probability, lesionRule],
      signal,
    ),
  );
  const anatomy =
    preparation.anatomy && onFlairGrid<Volume<Uint8Array>>(preparation.anatomy, preparation, exam);
  const toAtlas = flairToAtlas(preparation);
  const located = await stage('locate', async () => {
    const module = new URL('./quantify/locate.js', import.meta.url);
    return anatomy
      ? pool.call<typeof locateByLabels>(
          module,
          'locateByLabels',
          [lesions, connectivity, anatomy, toAtlas],
          signal,
        )
      : pool.call<typeof locateByAtlas>(
          module,
          'locateByAtlas',
          [exam.flair.volume, lesions, connectivity, await readRegionAtlas(), toAtlas],
          signal,
        );
  });
  const { model } = segmenter;
  const method = model ? `${model.name} ${model.version}` : options.segmenter;
  const heading =
    `${countOfLesions(lesions.list.length)}, ${lesions.volumeMl.toFixed(2)} ml ` +
    `(${method}, Dawson ${version})`;
  const overlay = await stage('draw', () =>
    pool.call<typeof overlayPng>(
      new URL('./report/overlay.js', import.meta.url),
      'overlayPng',
      [exam.flair.volume, brain, lesions, heading],
      signal,
    ),
  );

  const findings: Findings = {
    ...findingsSchema,
    notice,
    program: { name: 'dawson', version },
    inputs: Object.fromEntries(sequencesOf(exam).map((name) => [name, inputRecord(exam[name]!)])),
    settings: {
      segmenter: options.segmenter,
      segmenterSettings: segmenter.settings,
      ...(model && { model }),
      alignment: options.alignment,
      brainExtracted: preparation.brainExtracted,
      ...(anatomy && anatomyNetwork && { anatomyModel: anatomyNetwork.model }),
      registered: options.registered,
      lesionRule,
    },
    ...(description && { exam: description }),
    brainVolumeMl: nonZeroVolumeMl(brain),
    lesionCount: lesions.list.length,
    lesionVolumeMl: lesions.volumeMl,
    lesions: lesions.list.map((lesion, index) => ({
      ...lesion,
      ...located?.locations[index],
    })),
    ...(located && { location: located.summary }),
    transforms: Object.fromEntries(
      sequencesOf(exam)
        .filter((name) => name !== 'flair')
        .map((name) => [
          name,
          {
            flairToSequence: flairTo(name, preparation),
            degreesOfFreedom: preparation.degreesOfFreedom,
          },
        ]),
    ),
    quality,
    notes: [
      ...notes,
      ...preparation.notes,
      ...segmentation.notes,
      ...(located ? [] : [locationUnknown]),
    ],
    run: usage(secondsPerStage),
  };
  const reported = { findings, flair: exam.flair.volume, lesions: lesions.mask, brain };
  const report = await reportOf(reported, options, run);
  return {
    // Times and memory with those of the report; it does not show them.
    findings: { ...findings, run: usage(secondsPerStage) },
    lesions,
    probability,
    brain,
    ...(anatomy && { anatomy }),
    overlay,
    ...(report && { report }),
    exam,
    preparation,
  };
}

const usage = (secondsPerStage: Readonly<Record<string, number>>): Findings['run'] => ({
  secondsPerStage: { ...secondsPerStage },
  peakMemoryBytes: 1024 * process.resourceUsage().maxRSS,
});

/** The report of a first exam; `dawson report` makes one with earlier exams. */
async function reportOf(
  exam: ReportedExam,
  { report }: AnalyzeOptions,
  { pool, stage, signal }: Run,
): Promise<ClinicalReport | undefined> {
  if (!report) return undefined;
  return stage('report', () =>
    pool.call<typeof clinicalReport>(
      new URL('./report/clinical/clinical-report.js', import.meta.url),
      'clinicalReport',
      [{ exam, previous: [], ...report }],
      signal,
    ),
  );
}

/**
 * Writes an analysis into a folder, whole or not at all: see {@link writeFolderWhole}.
 * `intermediate` adds the prepared sequences, on the reference's grid, and the transforms.
 */
export async function writeAnalysis(
  folder: string,
  { findings, lesions, probability, brain, anatomy, overlay, report, exam, preparation }: Analysis,
  { intermediate, signal }: { intermediate: boolean; signal?: AbortSignal },
): Promise<void> {
  const like = { like: exam.flair.header };
  const fill = async (staging: string) => {
    const file = (name: string) => join(staging, name);
    await writeNifti(file('flair.nii.gz'), exam.flair.volume, like);
    await writeNifti(file('lesions.nii.gz'), lesions.mask, like);
    await writeNifti(file('probability.nii.gz'), probability, like);
    await writeNifti(file('brain.nii.gz'), brain, like);
    await writeWhole(
      file('lesions.csv'),
      Buffer.from(lesionTable(findings.lesions, findings.location?.source)),
    );
    await writeWhole(file('overlay.png'), overlay);
    if (report) {
      await writeWhole(file('report.pdf'), report.pdf);
      await writeWhole(file('report.html'), Buffer.from(report.html));
    }
    if (intermediate) {
      if (anatomy) await writeNifti(file('anatomy.nii.gz'), anatomy, like);
      for (const name of sequencesOf(exam)) {
        await writeNifti(file(`prepared-${name}.nii.gz`), preparation.exam[name]!);
        if (name === 'flair') continue;
        await writeTransform(file(`flair-to-${name}.txt`), flairTo(name, preparation));
      }
    }
    await writeWhole(file('findings.json'), Buffer.from(`${JSON.stringify(findings, null, 2)}\n`));
  };
  await writeFolderWhole(folder, fill, { signal });
}

/** Maps points of the FLAIR to points of the head atlas, RAS mm. */
function flairToAtlas({ referenceToAtlas, transforms }: Preparation): Mat4 {
  return multiply(referenceToAtlas, invert(transforms.flair!));
}

/** Maps points of the FLAIR to points of another sequence, RAS mm. */
function flairTo(name: SequenceName, { transforms }: Preparation): Mat4 {
  return multiply(transforms[name]!, invert(transforms.flair!));
}

/**
 * A volume of the prepared exam on the FLAIR's own grid: exactly its voxels where the FLAIR is the
 * reference, resampled where it is not.
 */
function onFlairGrid<V extends Volume>(volume: V, preparation: Preparation, exam: Exam): V {
  const flair = exam.flair.volume;
  if (preparation.reference === 'flair') {
    return onGrid(flair, reorient(volume, orientationOf(flair.affine)).data) as V;
  }
  return resample(volume, flair, {
    toMoving: invert(preparation.transforms.flair!),
    interpolation: volume.data instanceof Float32Array ? 'linear' : 'nearest',
  }) as V;
}

function inputRecord({ file, sha256, volume }: Sequence) {
  return {
    fileName: basename(file),
    sha256,
    sizeVoxels: volume.size,
    voxelSizeMm: voxelSizeMm(volume.affine),
    orientation: orientationOf(volume.affine),
  };
}
