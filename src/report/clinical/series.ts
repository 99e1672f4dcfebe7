import type { Findings } from '../../quantify/findings.js';
import { type Remark, remark } from '../../remarks.js';

/** What is odd about the dates of an exam and the previous one where they were not compared. */
export function dateCautions(exam: Findings, previous: readonly Findings[]): Remark[] {
  const last = previous.at(-1);
  if (last === undefined) return [];
  const [date, before] = [exam.exam?.date, last.exam?.date];
  if (date === undefined || before === undefined) return [remark('dates-missing')];
  if (before > date) return [remark('previous-is-later', { date: before })];
  return before === date ? [remark('dates-equal', { date })] : [];
}
