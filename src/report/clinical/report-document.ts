/** A label and what belongs to it. */
export type Fact = readonly [label: string, value: string];

/** A table of text; numbers are set to the right, the first column to the left. */
export interface ReportTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Something that may have changed: its pictures from left to right, and what is known of it. */
export interface PicturedCandidate {
  readonly heading: string;
  readonly lines: readonly string[];
  /** Names of files: prior, current, difference. */
  readonly pictures: readonly string[];
}

/** Two pictures side by side with what they show above them. */
export interface PicturePair {
  readonly heading: string;
  readonly left: string;
  readonly right: string;
}

/** A part of the report; what it has is shown in the order of these fields. */
export interface Section {
  readonly title: string;
  readonly table?: ReportTable;
  /** What explains the pictures, in small print. */
  readonly legend?: readonly string[];
  /** Names of pictures, shown four a row. */
  readonly pictures?: readonly string[];
  /** Name of a picture that is as wide as the section. */
  readonly picture?: string;
  readonly pairs?: readonly PicturePair[];
  readonly candidates?: readonly PicturedCandidate[];
  readonly facts?: readonly Fact[];
  readonly items?: readonly string[];
  /** What explains the above, in small print. */
  readonly remarks?: readonly string[];
}

/**
 * The whole report in words, numbers and pictures, without a look: what the PDF and the page are
 * made from. All text is plain: nothing in it is markup.
 */
export interface ReportDocument {
  readonly language: string;
  readonly title: string;
  readonly program: string;
  readonly notice: string;
  readonly pageWord: string;
  /** Date of the exam, YYYY-MM-DD, where it is given. */
  readonly date?: string;
  readonly identity: readonly Fact[];
  readonly conclusionTitle: string;
  readonly conclusion: readonly string[];
  readonly cautions: readonly string[];
  /** Sections that stand beside each other, row by row; the details begin a page if they show examples. */
  readonly summary: readonly (readonly Section[])[];
  readonly details: readonly (readonly Section[])[];
  /** PNG or SVG files by name. */
  readonly pictures: ReadonlyMap<string, Uint8Array>;
}
