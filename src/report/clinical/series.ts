import { DawsonError } from '../../errors.js';
import type { Findings } from '../../quantify/findings.js';
import { shownText } from './shown-text.js';
import type { Phrases } from './texts.js';

/**
 * Makes sure that exams do not belong to different patients, as far as they say whose they are.
 * Names are not compared: they change, and are spelled in more than one way.
 * @throws DawsonError `inputs-conflict`, without the ids.
 */
export function requireSamePatient(
  exams: readonly { readonly folder: string; readonly findings: Findings }[],
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

/** What is odd about the dates of an exam and the previous one where they were not compared. */
export function dateCautions(
  exam: Findings,
  previous: readonly Findings[],
  { text }: Phrases,
): string[] {
  const last = previous.at(-1);
  if (last === undefined) return [];
  const [date, before] = [exam.exam?.date, last.exam?.date];
  if (date === undefined || before === undefined) return [text('datesMissing')];
  if (before > date) return [text('datesReversed', { date: shownText(before) })];
  return before === date ? [text('datesEqual', { date: shownText(date) })] : [];
}
