import { type AnalyzeOptions, settingsOf } from './analysis-options.js';
import { type Analysis, analyze } from './analyze.js';
import {
  type ComposedObject,
  composeObjectsInWorker,
  type DicomExam,
  keptTrackingUids,
  type SourceSeries,
  sourceOfStack,
  trackingUidsOf,
  withTrackingUids,
} from './dicom/index.js';
import { DawsonError } from './errors.js';
import { inOrderOfTime, leftOutCaution, reasonOf } from './quantify/exam-series.js';
import { lesionLabels } from './quantify/lesion-labels.js';
import type { Remark } from './remarks.js';
import { type ClinicalReport, clinicalReportInWorker } from './report/clinical/clinical-report.js';
import type { ReportInput } from './report/clinical/report-input.js';
import { type Run, type RunOptions, withRunStoppedAtOnce } from './run.js';
import { type TrackedExam, type Tracking, trackExams } from './track.js';

/** An exam that came as DICOM, with what became of its lesions since an earlier one. */
export interface DicomAnalysis {
  readonly analysis: Analysis;
  /** Since the last of the earlier exams that it can be compared with. */
  readonly change?: Tracking;
  /** The result as objects of the exam's study. */
  readonly objects: readonly ComposedObject[];
}

/** An exam of the series, and by what its lesions are known in all exams. */
interface KnownExam extends TrackedExam {
  readonly trackingUids: readonly string[];
}

/**
 * The lesions of an exam that came as DICOM, what became of them since its patient's earlier exams,
 * and the objects that an archive takes. The earlier exams are analysed in the same way; one that
 * fails, or that is not of the same head, is left out, which report and findings say.
 * @param earlier in the order of time
 * @throws DawsonError as {@link analyze} does for the exam itself.
 */
export function analyzeDicom(
  exam: DicomExam,
  earlier: readonly DicomExam[],
  options: AnalyzeOptions = {},
  run: RunOptions = {},
): Promise<DicomAnalysis> {
  return withRunStoppedAtOnce(run, async (run) => {
    const { report } = settingsOf(options);
    // With earlier exams the report is made when they are known.
    const first = await analyze(
      exam,
      earlier.length === 0 ? options : { ...options, report: false },
      run,
    );
    const source = await flairOf(exam, run);
    const series = await compared(known(exam, first), earlier, options, run);
    const notes = [...first.findings.notes, ...series.leftOut];
    const analysis: Analysis = { ...first, findings: { ...first.findings, notes } };
    const made =
      earlier.length > 0 && report
        ? await run.stage('report', () => reportOf(analysis, series, report, run))
        : first.report;
    const whole = { ...analysis, ...(made && { report: made }) };
    const objects = await run.stage('compose', () =>
      composeObjectsInWorker(run, source, {
        result: imagesOf(whole),
        pdf: made?.pdf,
        change: series.change,
      }),
    );
    return { analysis: whole, objects, ...(series.change && { change: series.change }) };
  });
}

function flairOf({ choices }: DicomExam, run: Run): Promise<SourceSeries> {
  const { series, stack } = choices.find(({ role }) => role === 'flair')!;
  return sourceOfStack(series.uid, stack, run);
}

const imagesOf = ({ findings, exam, lesions, brain }: Analysis) => ({
  findings,
  flair: exam.flair.volume,
  lesions: lesions.mask,
  brain,
});

/** An exam by itself: nothing is known of its lesions in other exams. */
function known({ study, choices }: DicomExam, analysis: Analysis): KnownExam {
  const { findings, probability } = analysis;
  const images = imagesOf(analysis);
  const { connectivity } = findings.settings.lesionRule;
  const { series } = choices.find(({ role }) => role === 'flair')!;
  const labels = lesionLabels(images.lesions, connectivity, findings.lesions);
  return {
    folder: `study ${study.uid}`,
    name: `study ${study.uid}`,
    ...images,
    probability,
    trackingUids: trackingUidsOf(series.uid, labels, findings.lesionCount),
  };
}

interface ComparedSeries {
  /** Earlier exams that are of the same head, in the order of time. */
  readonly previous: readonly KnownExam[];
  readonly change?: Tracking;
  readonly leftOut: readonly Remark[];
}

/** Each exam is compared with the one before it, so that lesions are known through all of them. */
async function compared(
  exam: KnownExam,
  earlier: readonly DicomExam[],
  options: AnalyzeOptions,
  run: Run,
): Promise<ComparedSeries> {
  const previous: KnownExam[] = [];
  const leftOut: Remark[] = [];
  const without = (name: string, error: unknown) => {
    if (!(error instanceof DawsonError) || error.code === 'interrupted') throw error;
    leftOut.push(leftOutCaution(name, reasonOf(error)));
  };
  for (const [at, one] of earlier.entries()) {
    try {
      const found = await analyzeEarlier(one, options, named(run, `earlier exam ${at + 1}`));
      previous.push((await following(previous.at(-1), found, run)).exam);
    } catch (error) {
      without(`study ${one.study.uid}`, error);
    }
  }
  while (previous.length > 0) {
    const before = previous.at(-1)!;
    try {
      const { change } = await following(before, exam, run);
      return { previous, change, leftOut };
    } catch (error) {
      without(before.folder, error);
      previous.pop();
    }
  }
  return { previous, leftOut };
}

async function analyzeEarlier(
  exam: DicomExam,
  { described, ...options }: AnalyzeOptions,
  run: Run,
): Promise<KnownExam> {
  const own = { ...options, described: { patient: described?.patient }, report: false } as const;
  return known(exam, await analyze(exam, own, run));
}

/** The next exam of the series: what became of the lesions of the one before, and by what its own are known. */
async function following(
  before: KnownExam | undefined,
  exam: KnownExam,
  run: Run,
): Promise<{ exam: KnownExam; change?: Tracking }> {
  if (!before) return { exam };
  if (inOrderOfTime([before, exam])[1] !== exam) {
    throw new DawsonError('inputs-conflict', {
      file: before.folder,
      expected: 'an earlier exam',
      found: 'one of a later date',
      advice: 'Look at the dates in the headers, and at --date.',
    });
  }
  const tracking = await trackExams([before, exam], {}, run);
  const [comparison] = tracking.document.consecutive;
  const tracked = withTrackingUids(comparison, before.trackingUids);
  return {
    exam: { ...exam, trackingUids: keptTrackingUids(exam.trackingUids, tracked) },
    change: { ...tracking, document: { ...tracking.document, consecutive: [tracked] } },
  };
}

const named = (run: Run, name: string): Run => ({
  ...run,
  stage: (stage, work) => run.stage(`${name}: ${stage}`, work),
});

function reportOf(
  analysis: Analysis,
  { previous, change, leftOut }: ComparedSeries,
  settings: Pick<ReportInput, 'language' | 'paper'>,
  run: Run,
): Promise<ClinicalReport> {
  const comparison = change?.document.consecutive[0];
  return clinicalReportInWorker(run, {
    exam: imagesOf(analysis),
    previous: previous.map(({ findings }) => findings),
    ...(comparison && {
      previousExam: imagesOfKnown(previous.at(-1)!),
      change: {
        comparison,
        rule: change.document.rule,
        ...(change.difference && { difference: change.difference }),
      },
    }),
    cautions: [...leftOut, ...(change?.document.cautions ?? [])],
    ...settings,
  });
}

const imagesOfKnown = ({ findings, flair, lesions, brain }: KnownExam) => ({
  findings,
  flair,
  lesions,
  brain,
});
