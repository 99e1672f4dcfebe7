import type { ResultKind } from '../formats/index.js';
import { sequenceNames } from '../preprocess/exam.js';
import { findingsSchema } from './findings.js';

export interface ResultRow {
  /** Its name; SEQUENCE stands for flair, t2, t1, CLASS for a number: one file for each; OBJECT for one of several. */
  readonly file: string;
  readonly what: string;
  /** With what it comes: every result has the others. */
  readonly optional?: 'report' | 'change' | 'dicom' | 'classes' | 'intermediate';
}

/** Every file in the folder with the result of one exam. Adding one is adding a row. */
export const resultFiles = {
  flair: { file: 'flair.nii.gz', what: 'the FLAIR itself, on whose grid everything lies' },
  lesions: { file: 'lesions.nii.gz', what: '1 where a lesion is' },
  probability: { file: 'probability.nii.gz', what: 'probability of lesion, 0 to 1' },
  classes: {
    file: 'classes.nii.gz',
    what: 'label of each voxel, from a model of several classes',
    optional: 'classes',
  },
  classProbability: {
    file: 'class-CLASS.nii.gz',
    what: 'probability of each class, from such a model',
    optional: 'classes',
  },
  brain: { file: 'brain.nii.gz', what: '1 where the brain is' },
  table: { file: 'lesions.csv', what: 'one line a lesion: volume, position, extent' },
  findings: { file: 'findings.json', what: 'everything as one document, with how it was made' },
  overlay: { file: 'overlay.png', what: 'a picture to check the result by' },
  pdf: {
    file: 'report.pdf',
    what: 'conclusion, tables, examples, quality, method',
    optional: 'report',
  },
  html: { file: 'report.html', what: 'the same as a page for browsers', optional: 'report' },
  change: {
    file: 'change.json',
    what: 'what became of each lesion since the exam before',
    optional: 'change',
  },
  changeMap: { file: 'change.nii.gz', what: 'the same as an image', optional: 'change' },
  dicom: {
    file: 'dicom/OBJECT',
    what: 'the result as DICOM objects, with --dicom',
    optional: 'dicom',
  },
  anatomy: { file: 'anatomy.nii.gz', what: 'parts of the brain', optional: 'intermediate' },
  prepared: {
    file: 'prepared-SEQUENCE.nii.gz',
    what: 'each sequence on the grid of the reference',
    optional: 'intermediate',
  },
  transform: {
    file: 'flair-to-SEQUENCE.txt',
    what: 'maps points of the FLAIR to those of a sequence',
    optional: 'intermediate',
  },
} as const satisfies Record<string, ResultRow>;

export type ResultFile = keyof typeof resultFiles;

/** All rows of {@link resultFiles}, in their order. */
export const resultRows = Object.entries(resultFiles) as [ResultFile, ResultRow][];

/** Names of the DICOM objects of a result, as the source of a regular expression. */
export const dicomObjectNames =
  '((lesions|each-lesion|measurements|report)\\.dcm|(preview|change)-\\d{3,5}\\.dcm)';

/** What DICOM results are known by: objects, and the list of them. */
const dicomNames = `(export\\.json|${dicomObjectNames})`;

/** What a folder of DICOM results is known by. */
export const dicomResult: ResultKind = {
  // With de-identified images also these.
  names: new RegExp(`^(${dicomNames}|exam/(${sequenceNames.join('|')})-\\d{3,6}\\.dcm)$`),
  folders: ['exam'],
  marker: 'export.json',
  schema: 'dawson-dicom-export',
};

const patterns = resultRows.map(([, { file }]) =>
  file
    .replaceAll('.', '\\.')
    .replace('SEQUENCE', `(${sequenceNames.join('|')})`)
    .replace('CLASS', '\\d{1,3}')
    .replace('OBJECT', dicomNames),
);

/** What the folder of an exam's result is known by. */
export const examResult: ResultKind = {
  names: new RegExp(`^(${patterns.join('|')})$`),
  folders: ['dicom'],
  marker: resultFiles.findings.file,
  schema: findingsSchema.schema,
};
