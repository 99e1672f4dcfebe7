import { DawsonError } from '../../errors.js';
import type { ReportFindings } from './report-input.js';
import { shownText } from './shown-text.js';
import type { Phrases } from './texts.js';

/**
 * Earlier exams in the order of time: by their dates where each has one, else as they were given.
 */
export function inOrderOfTime<E extends { readonly findings: ReportFindings }>(
  exams: readonly E[],
): E[] {
  const dates = exams.map(({ findings }) => findings.exam?.date);
  if (dates.some((date) => date === undefined)) return [...exams];
  return exams.toSorted((a, b) => (a.findings.exam!.date! < b.findings.exam!.date! ? -1 : 1));
}

/**
 * Makes sure that exams do not belong to different patients, as far as they say whose they are.
 * Names are not compared: they change, and are spelled in more than one way.
 * @throws DawsonError `inputs-conflict`, without the ids.
 */
export function requireSamePatient(
  exams: readonly { readonly folder: string; readonly findings: ReportFindings }[],
): void {
  const [first, ...others] = exams.filter(({ findings }) => findings.exam?.patient?.id);
  for (const { folder, findings } of others) {
    if (findings.exam!.patient!.id === first.findings.exam!.patient!.id) continue;
    throw new DawsonError('inputs-conflict', {
      file: folder,
      expected: `an exam of the same patient as ${first.folder}`,
      found: 'another patient id',
      advice: 'Compare exams of one patient only.',
    });
  }
}

/** What is odd about the dates and scanners of a series of exams, in sentences. */
export function seriesCautions(
  exam: ReportFindings,
  previous: readonly ReportFindings[],
  { text }: Phrases,
): string[] {
  const last = previous.at(-1);
  if (last === undefined) return [];
  const [date, before] = [exam.exam?.date, last.exam?.date];
  if (date === undefined || before === undefined) return [text('datesMissing')];
  if (before > date) return [text('datesReversed', { date: shownText(before) })];
  return before === date ? [text('datesEqual', { date: shownText(date) })] : [];
}
