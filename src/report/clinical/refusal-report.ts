import type { ExamDescription } from '../../preprocess/exam-description.js';
import { version } from '../../version.js';
import { inWorker } from '../../workers.js';
import type { Paper } from './report-input.js';
import { shownText, withTexts } from './shown-text.js';
import { type Language, phrasesIn } from './texts.js';

export interface RefusalInput {
  readonly exam: ExamDescription;
  /** Why the exam could not be analysed, in English as all messages are. */
  readonly reason: string;
  readonly language: Language;
  readonly paper: Paper;
}

const longestReason = 1000;

/** A page that says that an exam was not analysed, and why, as PDF/A-2b. For worker threads. */
export async function refusalReport(input: RefusalInput): Promise<Uint8Array> {
  const { exam, reason, language, paper } = input;
  const { typesetPdf } = await import('./typeset.js');
  const { text } = phrasesIn(language);
  const given = (value: string | undefined) => shownText(value) || text('notGiven');
  const document = {
    language,
    title: text('refusalTitle'),
    program: `Dawson ${version}`,
    notice: text('notice'),
    pageWord: text('page'),
    ...(exam.date === undefined ? {} : { date: exam.date }),
    identity: [
      [text('name'), given(exam.patient?.name)],
      [text('examDate'), given(exam.date)],
      [text('patientId'), given(exam.patient?.id)],
      [text('birthDate'), given(exam.patient?.birthDate)],
    ] as const,
    conclusionTitle: text('conclusion'),
    conclusion: [text('notAnalysed'), reason],
    cautions: [],
    summary: [],
    details: [],
    pictures: new Map<string, Uint8Array>(),
  };
  return typesetPdf(
    withTexts(document, (value) => shownText(value, longestReason)),
    paper,
  );
}

export const refusalReportInWorker = inWorker<typeof refusalReport>(
  import.meta.url,
  'refusalReport',
);
