import type { Findings } from '../../quantify/findings.js';
import { shownText } from './shown-text.js';
import type { Phrases } from './texts.js';

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
