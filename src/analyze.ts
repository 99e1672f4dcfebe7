import { type AnalysisSettings, type AnalyzeOptions, settingsOf } from './analysis-options.js';
import type { LesionRule } from './model/lesion-rule.js';
import type { ModelRecord } from './model/model-record.js';
import { type AnatomyNetwork, openAnatomyNetwork } from './preprocess/anatomy-network.js';
import type { Exam, ExamFiles } from './preprocess/exam.js';
import { type ExamSource, examInFiles } from './preprocess/exam-source.js';
import { flairToAtlas, onFlairGrid } from './preprocess/flair-grid.js';
import { type Preparation, prepare } from './preprocess/prepare.js';
import { inputGate } from './preprocess/quality/input-gate.js';
import { readRegionAtlas } from './preprocess/region-atlas.js';
import { type Findings, findingsOf } from './quantify/findings.js';
import { countOfLesions, findLesionsInWorker, type Lesions } from './quantify/lesions.js';
import { locateByAtlasInWorker, locateByLabelsInWorker } from './quantify/locate.js';
import type { LocatedLesions } from './quantify/location.js';
import { oneSidedFinding } from './quantify/one-sided.js';
import { type ClinicalReport, clinicalReportInWorker } from './report/clinical/clinical-report.js';
import type { ReportedExam } from './report/clinical/report-input.js';
import { overlayPngInWorker } from './report/overlay.js';
import { type Run, type RunOptions, withRunStoppedAtOnce } from './run.js';
import type { OpenSegmenter, Segmentation, SegmentedClasses } from './segment/segmenter.js';
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
  return withRunStoppedAtOnce(run, (run) => {
    const isSource = typeof exam === 'object' && exam !== null && 'read' in exam;
    const source = isSource ? exam : examInFiles(exam);
    return analyzeWith(source, settingsOf(options), run);
  });
}

/** The method, in order: each step is a function of the values of those before it. */
async function analyzeWith(
  source: ExamSource,
  settings: AnalysisSettings,
  { pool, stage: outerStage, signal }: Run,
): Promise<Analysis> {
  const secondsPerStage: Record<string, number> = {};
  const run: Run = { pool, stage: timed(outerStage, secondsPerStage), signal };
  const { stage } = run;

  // What is missing is said before the long work begins.
  const { open } = segmenters[settings.segmenter];
  const segmenter: OpenSegmenter = await open(settings, source.sequences, run);
  const described = await source.describe(settings.described);
  const { exam, notes } = await stage('read', () => source.read());
  if (!settings.preparation) segmenter.requireOneGrid?.(exam);
  const anatomyNetwork = await openAnatomyNetwork(settings.engine);

  const preparation = await prepare(exam, settings, run, anatomyNetwork);
  const quality = await inputGate(exam, preparation, settings, run);
  const { segmentAsRead } = settings.preparation ? {} : segmenter;
  const segmentation = await (segmentAsRead
    ? segmentAsRead(exam, run)
    : segmenter.segment(preparation.exam, run));

  const native = onNativeGrid(segmentation, !segmentAsRead, preparation, exam);
  const lesions = await stage('measure', () =>
    findLesionsInWorker(run, native.probability, segmentation.rule, native.lesionLabels),
  );
  const located = await stage('locate', () => locate(lesions, segmentation.rule, native, run));
  const oneSided = oneSidedFinding(lesions.mask, native.toAtlas);
  const found = findingsOf({
    exam,
    description: described.description,
    preparation,
    brain: native.brain,
    lesions,
    located,
    settings: usedSettings(settings, segmenter, segmentation, preparation, anatomyNetwork),
    quality: [...quality, ...(oneSided ? [oneSided] : [])],
    notes: [...described.notes, ...notes, ...preparation.notes, ...segmentation.notes],
  });
  // Times and memory of the report stand with those of the exam; it does not show them.
  const findings = () => ({ ...found, run: usage(secondsPerStage) });
  const { flair, brain, probability, anatomy, classes } = native;
  const reported = { flair, brain, lesions: lesions.mask, findings: findings() };
  const title = heading(lesions, segmenter.model, settings);
  const [overlay, report] = await Promise.all([
    stage('draw', () => overlayPngInWorker(run, flair, brain, lesions, title)),
    reportOf(reported, settings, run),
  ]);
  return {
    findings: findings(),
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

/** What was found, on the FLAIR's own grid, and where it lies in the head atlas. */
interface NativeGrid {
  readonly flair: Volume;
  readonly probability: Volume<Float32Array>;
  readonly brain: Mask;
  readonly anatomy?: Volume<Uint8Array>;
  readonly classes?: SegmentedClasses;
  /** Voxels of the labels that are lesion, where the rule goes by these. */
  readonly lesionLabels?: Mask;
  /** Points of the FLAIR to points of the head atlas, RAS mm. */
  readonly toAtlas: Mat4;
}

function onNativeGrid(
  { probability, classes: found, rule }: Segmentation,
  isPrepared: boolean,
  preparation: Preparation,
  exam: Exam,
): NativeGrid {
  const { anatomy } = preparation;
  const onFlair = <V extends Volume>(volume: V): V =>
    isPrepared ? onFlairGrid(volume, preparation, exam) : volume;
  const classes = found && classesPlaced(found, onFlair);
  return {
    flair: exam.flair.volume,
    probability: onFlair(probability),
    brain: onFlairGrid(preparation.exam.brain, preparation, exam),
    ...(anatomy && { anatomy: onFlairGrid<Volume<Uint8Array>>(anatomy, preparation, exam) }),
    ...(classes && { classes }),
    ...(classes && rule.byClass && { lesionLabels: lesionsOf(classes) }),
    toAtlas: flairToAtlas(preparation),
  };
}

function classesPlaced(
  { labels, probabilities, lesionLabels }: SegmentedClasses,
  onFlair: <V extends Volume>(volume: V) => V,
): SegmentedClasses {
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
  lesions: Lesions,
  { connectivity }: LesionRule,
  { flair, anatomy, toAtlas }: NativeGrid,
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

/** What the findings say about how they came about. */
function usedSettings(
  { segmenter: name, alignment, registered }: AnalysisSettings,
  segmenter: OpenSegmenter,
  { rule }: Segmentation,
  { brainExtracted, anatomy }: Preparation,
  anatomyNetwork: AnatomyNetwork | undefined,
): Findings['settings'] {
  return {
    segmenter: name,
    segmenterSettings: segmenter.settings,
    ...(segmenter.model && { model: segmenter.model }),
    alignment,
    brainExtracted,
    ...(anatomy && anatomyNetwork && { anatomyModel: anatomyNetwork.model }),
    registered,
    lesionRule: rule,
  };
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
