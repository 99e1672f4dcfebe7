import type { Findings } from '../../quantify/findings.js';
import type { Fact } from './report-document.js';
import type { ReportInput } from './report-input.js';
import { shownText } from './shown-text.js';
import type { Phrases } from './texts.js';

/** Head of the report: whose exam it is, and how it was made. What is missing is said to be. */
export function identityOf(
  { exam: { findings }, previous }: ReportInput,
  { text, number }: Phrases,
): Fact[] {
  const { patient, date, scanner } = findings.exam ?? {};
  const given = (value: unknown) => shownText(value) || text('notGiven');
  const sexes = { F: text('female'), M: text('male'), O: text('other') } as Record<string, string>;
  const field = scanner?.fieldStrengthTesla;
  const scannerParts = [
    scanner?.manufacturer,
    scanner?.model,
    field === undefined ? undefined : `${number(field, 1)} T`,
  ];
  const last = previous.at(-1);
  return [
    [text('name'), given(patient?.name)],
    [text('examDate'), given(date)],
    [text('patientId'), given(patient?.id)],
    [text('previousExam'), last === undefined ? text('noPreviousExam') : given(last.exam?.date)],
    [text('birthDate'), given(patient?.birthDate)],
    [text('scanner'), given(scannerParts.filter((part) => part).join(' '))],
    [text('sex'), sexes[patient?.sex ?? ''] ?? given(patient?.sex)],
    [text('sequences'), sequencesOf(findings, number)],
  ];
}

/** Such as "FLAIR 1.0 × 1.0 × 3.0 mm, T2, T1". */
function sequencesOf({ inputs }: Findings, number: Phrases['number']): string {
  return Object.entries(inputs)
    .map(([name, { voxelSizeMm }]) =>
      name === 'flair'
        ? `FLAIR ${voxelSizeMm.map((mm) => number(mm, 1)).join(' × ')} mm`
        : name.toUpperCase(),
    )
    .join(', ');
}
