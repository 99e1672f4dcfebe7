import { type AnalysisSettings, type AnalyzeOptions, settingsOf } from './analysis-options.js';
import type { ModelRecord } from './model/model-record.js';
import { openAnatomyNetwork } from './preprocess/anatomy-network.js';
import type { Exam, ExamFiles } from './preprocess/exam.js';
import { type ExamSource, examInFiles } from './preprocess/exam-source.js';
import { flairToAtlas, onFlairGrid } from './preprocess/flair-grid.js';
import { type Preparation, prepare } from './preprocess/prepare.js';
import { inputGate } from './preprocess/quality/input-gate.js';
import { readRegionAtlas } from './preprocess/region-atlas.js';
import { type Findings, findingsOf } from './quantify/findings.js';
import {
  countOfLesions,
  findLesionsInWorker,
  type LesionRule,
  type Lesions,
} from './quantify/lesions.js';
import { locateByAtlasInWorker, locateByLabelsInWorker } from './quantify/locate.js';
import type { LocatedLesions } from './quantify/location.js';
import { oneSidedFinding } from './quantify/one-sided.js';
import { remark } from './remarks.js';
import { type ClinicalReport, clinicalReportInWorker } from './report/clinical/clinical-report.js';
import type { ReportedExam } from './report/clinical/report-input.js';
import { overlayPngInWorker } from './report/overlay.js';
import { type Run, type RunOptions, withRunStoppedAtOnce } from './run.js';
import type { OpenSegmenter, SegmentedClasses } from './segment/segmenter.js';
import { segmenters } from './segment/segmenters.js';
import { timed } from './stage.js';
import { version } from './version.js';
import type { Mat4 } from './volume/affine.js';
import { aboveBackground } from './volume/background.js';
import { type Mask, maskWhere, type Volume } from './volume/volume.js';

/** All that is known about an exam when the pipeline ends. Volumes lie on the FLAIR's own grid. */
export interface Analysis {
  readonly findings: Findings;
  readonly lesions: Lesions;
  readonly probability: Volume<Float32Array>;
  readonly brain: Mask;
  readonly classes?: SegmentedClasses;
  readonly anatomy?: Volume<Uint8Array>;
  readonly overlay: Uint8Array;
  readonly report?: ClinicalReport;
  readonly exam: Exam;
  readonly preparation: Preparation;
}

/** What touches only by a corner is one lesion: see docs/methods/lesions.md. */
const connectivity = 26;

/**
 * From an exam to its lesions: the method, in order. Takes about a minute on two cores, and 3 GiB.
 * Nothing is written: {@link writeAnalysis} does that.
 * @param exam its files, or another source of it
 * @param options how it differs from what `dawson segment` does by itself
 * @throws DawsonError for files that are unusable or do not fit together, and where the method fails;
 *   the signal's reason.
 */
export function analyze(
  exam: ExamFiles | ExamSource,
  options: AnalyzeOptions = {},
  run: RunOptions = {},
): Promise<Analysis> {
  const source = 'read' in exam ? exam : examInFiles(exam);
  return withRunStoppedAtOnce(run, (run) => analyzeWith(source, settingsOf(options), run));
}

async function analyzeWith(
  source: ExamSource,
  settings: AnalysisSettings,
  { pool, stage: outerStage, signal }: Run,
): Promise<Analysis> {
  const secondsPerStage: Record<string, number> = {};
  const stage = timed(outerStage, secondsPerStage);
  const run: Run = { pool, stage, signal };

  const { open } = segmenters[settings.segmenter];
  const segmenter: OpenSegmenter = await open(settings, source.sequences, run);
  const described = await source.describe(settings.described);
  const { exam, notes } = await stage('read', () => source.read());
  const anatomyNetwork = await openAnatomyNetwork(settings.engine, pool);
  const preparation = await prepare(exam, settings, run, anatomyNetwork?.findAnatomy);
  const quality = await inputGate(exam, preparation, settings, run);
  const segmentation = await segmenter.segment(preparation.exam, run);

  const probability = onFlairGrid(segmentation.probability, preparation, exam);
  const brain = onFlairGrid(preparation.exam.brain, preparation, exam);
  const anatomy =
    preparation.anatomy && onFlairGrid<Volume<Uint8Array>>(preparation.anatomy, preparation, exam);
  const lesionRule: LesionRule = { ...segmentation.rule, connectivity };
  const classes =
    segmentation.classes && classesOnFlairGrid(segmentation.classes, preparation, exam);
  const labelled = lesionRule.byClass && classes && lesionsOf(classes);
  const lesions = await stage('measure', () =>
    findLesionsInWorker(run, probability, lesionRule, labelled || undefined),
  );
  const toAtlas = flairToAtlas(preparation);
  const oneSided = oneSidedFinding(lesions.mask, toAtlas);
  const located = await stage('locate', () =>
    locate(exam.flair.volume, lesions, anatomy, toAtlas, run),
  );
  const overlay = await stage('draw', () =>
    overlayPngInWorker(
      run,
      exam.flair.volume,
      brain,
      lesions,
      heading(lesions, segmenter.model, settings),
    ),
  );

  const found = findingsOf({
    exam,
    description: described.description,
    preparation,
    brain,
    lesions,
    located,
    settings: {
      segmenter: settings.segmenter,
      segmenterSettings: segmenter.settings,
      ...(segmenter.model && { model: segmenter.model }),
      alignment: settings.alignment,
      brainExtracted: preparation.brainExtracted,
      ...(anatomy && anatomyNetwork && { anatomyModel: anatomyNetwork.model }),
      registered: settings.registered,
      lesionRule,
    },
    quality: [...quality, ...(oneSided ? [oneSided] : [])],
    notes: [
      ...described.notes,
      ...notes,
      ...preparation.notes,
      ...segmentation.notes,
      ...(located ? [] : [remark('regions-unknown')]),
    ],
  });
  const reported = { flair: exam.flair.volume, lesions: lesions.mask, brain };
  const report = await reportOf(
    { ...reported, findings: { ...found, run: usage(secondsPerStage) } },
    settings,
    run,
  );
  return {
    // Times and memory with those of the report; it does not show them.
    findings: { ...found, run: usage(secondsPerStage) },
    lesions,
    probability,
    brain,
    ...(classes && { classes }),
    ...(anatomy && { anatomy }),
    overlay,
    ...(report && { report }),
    exam,
    preparation,
  };
}

function classesOnFlairGrid(
  { labels, probabilities, lesionLabels }: SegmentedClasses,
  preparation: Preparation,
  exam: Exam,
): SegmentedClasses {
  const onFlair = <V extends Volume>(volume: V): V => onFlairGrid(volume, preparation, exam);
  return {
    labels: { ...onFlair<Volume<Uint8Array>>(labels), names: labels.names },
    lesionLabels,
    probabilities: probabilities.map(({ name, probability }) => ({
      name,
      probability: onFlair(probability),
    })),
  };
}

const lesionsOf = ({ labels, lesionLabels }: SegmentedClasses): Mask =>
  maskWhere(labels, (label) => lesionLabels.includes(label));

/** Where the lesions lie: by the parts of this brain where a network told them, else by the atlas. */
async function locate(
  flair: Volume,
  lesions: Lesions,
  anatomy: Volume<Uint8Array> | undefined,
  toAtlas: Mat4,
  run: Run,
): Promise<LocatedLesions | undefined> {
  if (anatomy) return locateByLabelsInWorker(run, lesions, connectivity, anatomy, toAtlas);
  const regions = await readRegionAtlas();
  return locateByAtlasInWorker(
    run,
    aboveBackground(flair),
    lesions,
    connectivity,
    regions,
    toAtlas,
  );
}

function heading(
  { list, volumeMl }: Lesions,
  model: ModelRecord | undefined,
  { segmenter }: AnalysisSettings,
): string {
  const method = model ? `${model.name} ${model.version}` : segmenter;
  return `${countOfLesions(list.length)}, ${volumeMl.toFixed(2)} ml (${method}, Dawson ${version})`;
}

const usage = (secondsPerStage: Readonly<Record<string, number>>): Findings['run'] => ({
  secondsPerStage: { ...secondsPerStage },
  peakMemoryBytes: 1024 * process.resourceUsage().maxRSS,
});

/** The report of a first exam; `dawson report` makes one with earlier exams. */
async function reportOf(
  exam: ReportedExam,
  { report }: AnalysisSettings,
  run: Run,
): Promise<ClinicalReport | undefined> {
  if (!report) return undefined;
  return run.stage('report', () => clinicalReportInWorker(run, { exam, previous: [], ...report }));
}
