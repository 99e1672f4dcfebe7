import { basename, resolve } from 'node:path';
import { DawsonError } from './errors.js';
import { isThere } from './formats/open-file.js';
import {
  inOrderOfTime,
  leftOutCaution,
  reasonOf,
  requireSamePatient,
} from './quantify/exam-series.js';
import { changeFilesOf } from './quantify/read-change.js';
import { type ExamResult, readResult } from './quantify/read-result.js';
import { type Remark, remark } from './remarks.js';
import { type ClinicalReport, clinicalReportInWorker } from './report/clinical/clinical-report.js';
import { type ReportInput, requireReportOptions } from './report/clinical/report-input.js';
import { type Run, type RunOptions, withRunStoppedAtOnce } from './run.js';
import { requireFolders, requireSensitivity, track } from './track.js';
import type { Volume } from './volume/volume.js';

export interface ReportOptions extends Partial<Pick<ReportInput, 'language' | 'paper'>> {
  /** Folders of earlier exams of the same patient. */
  readonly previous?: readonly string[];
  /** Whether to say how small a new lesion may be to be seen: see {@link TrackOptions.sensitivity}. */
  readonly sensitivity?: boolean;
}

/** The report of an exam, and the exam that it is about. */
export interface ExamReport extends ClinicalReport {
  readonly exam: ExamResult;
  /**
   * What became of the lesions since the exam that the report compares with: numbers of
   * `change.nii.gz` on the FLAIR's grid. Absent where the report compares with none.
   */
  readonly changeMap?: Volume<Uint8Array>;
}

/**
 * The report of an exam from the folder that `dawson segment` or {@link writeAnalysis} wrote, with
 * what changed since the last of the earlier exams that it can be compared with.
 * @throws DawsonError `usage` for options that are none, and for `sensitivity` of an exam that this
 *   version's lesion network did not segment, or without earlier ones; `inputs-conflict` for exams of different
 *   patients; what reading them gives.
 */
export function report(
  folder: string,
  { previous = [], sensitivity = false, language = 'en', paper = 'a4' }: ReportOptions = {},
  run: RunOptions = {},
): Promise<ExamReport> {
  return withRunStoppedAtOnce(run, async (run) => {
    requireReportOptions({ language, paper });
    requireFolders(previous);
    if (sensitivity && previous.length === 0) throw nothingToCompare();
    const { stage } = run;
    const series = await stage('read the results', () => readSeries(folder, previous));
    const { exam } = series;
    // A comparison that fails is left out; what cannot be told of any is said.
    if (sensitivity) await requireSensitivity(exam.findings, run);
    const { previous: earlier, changeMap, ...change } = await compared(series, sensitivity, run);
    const input: ReportInput = {
      exam,
      previous: earlier.map(({ findings }) => findings),
      ...change,
      language,
      paper,
    };
    const made = await stage('report', () => clinicalReportInWorker(run, input));
    return { ...made, exam, ...(changeMap && { changeMap }) };
  });
}

const nothingToCompare = () =>
  new DawsonError('usage', {
    expected: 'an earlier exam to compare with (--previous), for --sensitivity',
    found: 'none',
  });

interface ReadExam extends ExamResult {
  readonly folder: string;
}

interface Series {
  readonly exam: ReadExam;
  /** In the order of time. */
  readonly previous: readonly ReadExam[];
  readonly cautions: readonly Remark[];
}

/** The exams; an earlier one that cannot be used is left out, which the report says. */
async function readSeries(folder: string, folders: readonly string[]): Promise<Series> {
  const exam = { folder, ...(await readResult(folder)) };
  const previous: ReadExam[] = [];
  const cautions: Remark[] = [];
  for (const name of folders) {
    try {
      previous.push({ folder: name, ...(await readResult(name)) });
    } catch (error) {
      if (!(error instanceof DawsonError)) throw error;
      cautions.push(leftOutCaution(basename(resolve(name)), reasonOf(error)));
    }
  }
  if (folders.length === 0 && (await isThere(changeFilesOf(folder)[0]))) {
    cautions.push(remark('comparison-not-shown'));
  }
  requireSamePatient([exam, ...previous]);
  return { exam, previous: inOrderOfTime(previous), cautions };
}

/**
 * The comparison with the last of the earlier exams that can be compared; none without one, or where
 * it is later than the exam that is reported. What cannot be compared is left out, which the report
 * says.
 */
async function compared({ exam, previous, cautions }: Series, sensitivity: boolean, run: Run) {
  const others = [...previous];
  const said = [...cautions];
  for (;;) {
    const previousExam = others.at(-1);
    const isEarlier = previousExam && inOrderOfTime([previousExam, exam])[1] === exam;
    if (!isEarlier) return { previous: others, cautions: said, changeMap: undefined };
    try {
      const { document, difference, map } = await track(
        [previousExam.folder, exam.folder],
        { sensitivity },
        run,
      );
      const { rule, consecutive, cautions } = document;
      const change = { comparison: consecutive[0], rule, ...(difference && { difference }) };
      const all = [...said, ...cautions];
      return { previous: others, previousExam, change, cautions: all, changeMap: map };
    } catch (error) {
      if (!(error instanceof DawsonError) || error.code === 'interrupted') throw error;
      said.push(leftOutCaution(basename(resolve(previousExam.folder)), reasonOf(error)));
      others.pop();
    }
  }
}
