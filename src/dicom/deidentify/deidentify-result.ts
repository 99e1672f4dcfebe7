import type { Findings, InputRecord } from '../../quantify/findings.js';
import type { ResultChange } from '../../quantify/read-change.js';
import type { ExamResult } from '../../quantify/read-result.js';
import { deidentifiedUid } from './deidentify-file.js';

/** A result of de-identified images: without patient, dates and scanner, its series by their new identifiers. */
export function deidentifiedResult(result: ExamResult): ExamResult {
  const { exam: _, inputs, notes, ...findings }: Findings = result.findings;
  const renamed = (input: InputRecord): InputRecord => {
    const seriesUid = deidentifiedUid(input.seriesUid ?? input.fileName);
    return { ...input, fileName: `series ${seriesUid}`, seriesUid };
  };
  return {
    ...result,
    findings: {
      ...findings,
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([name, input]) => [name, renamed(input)]),
      ),
      // Texts can name anything, and those of a choice or of another exam name numbers and identifiers.
      notes: notes.filter(
        (note) =>
          typeof note !== 'string' &&
          note.code !== 'series-chosen' &&
          note.code !== 'exam-left-out',
      ),
    },
  };
}

/** A comparison without who and when; lesions are known by new identifiers. */
export function deidentifiedChange({ document, map }: ResultChange): ResultChange {
  return {
    map,
    document: {
      ...document,
      exams: document.exams.map(({ exam: _, ...compared }) => ({ ...compared, folder: '' })),
      leftOut: [],
      cautions: [],
      consecutive: document.consecutive.map((comparison) => ({
        ...comparison,
        cautions: [],
        lesions: comparison.lesions.map(({ trackingUid, ...lesion }) => ({
          ...lesion,
          ...(trackingUid !== undefined && { trackingUid: deidentifiedUid(trackingUid) }),
        })),
      })),
    },
  };
}
