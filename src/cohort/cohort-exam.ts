import type { SequenceName } from '../preprocess/exam.js';

/** Where the images of an exam lie: a file a sequence, or a study in a folder of DICOM files. */
export type ExamImages =
  | ({ readonly flair: string } & { readonly [name in SequenceName]?: string })
  | { readonly dicom: string; readonly study?: string };

/** One exam of a cohort, as it was found. */
export interface CohortExam {
  /** Its name, by which everything of it is called: `sub-LABEL` or `sub-LABEL_ses-LABEL`. */
  readonly name: string;
  /** Label of the person, letters and digits. */
  readonly subject: string;
  /** Label of the visit. */
  readonly session?: string;
  /** 'YYYY-MM-DD'; else what its own description says. */
  readonly date?: string;
  /** Where it was found, relative to the input. */
  readonly source: string;
  /** None where the exam cannot be used; `problem` says why. */
  readonly images?: ExamImages;
  readonly problem?: string;
  /** Reference mask of its lesions. */
  readonly reference?: string;
  /** What was chosen or passed over. */
  readonly notes: readonly string[];
}

/** Letters and digits of a text: all that a label of BIDS may have. */
export const labelOf = (text: string): string => text.replace(/[^a-zA-Z0-9]/g, '');

export const examName = (subject: string, session?: string): string =>
  session === undefined ? `sub-${subject}` : `sub-${subject}_ses-${session}`;

/** The labels of which {@link examName} made a name; none of any other name. */
export function partsOfName(name: string): { subject?: string; session?: string } {
  const [, subject, session] = /^sub-([a-zA-Z0-9]+)(?:_ses-([a-zA-Z0-9]+))?$/.exec(name) ?? [];
  return { subject, session };
}

/** Texts as labels that differ wherever the texts do: what is left equal gets a number. */
export class Labels {
  readonly #taken = new Map<string, string>();

  /** @param shown what the label is made of, where that is not the text by which it is told apart */
  of(text: string, shown = text): string {
    const plain = labelOf(shown) || 'x';
    let label = plain;
    // Names that differ only in case are one file on some systems.
    for (let n = 2; this.#isOther(label, text); n++) label = `${plain}x${n}`;
    this.#taken.set(label.toLowerCase(), text);
    return label;
  }

  #isOther(label: string, text: string): boolean {
    const owner = this.#taken.get(label.toLowerCase());
    return owner !== undefined && owner !== text;
  }
}
