/**
 * How public data sets lie on disk when they have been downloaded and unpacked. Looked up in what the
 * publishers say and in programs that read the data sets: docs/public-data.md names where.
 */
export interface PublicLayout {
  readonly title: string;
  /** An example of a FLAIR's path, for messages. */
  readonly example: string;
  /**
   * The path of a FLAIR in the download, with / and without its ending. Its groups, such as `patient`
   * and `visit`, fill the braces of the other paths; `root` is what lies before.
   */
  readonly flair: RegExp;
  /** Paths of the other sequences; `earlier` is the FLAIR of the visit before. */
  readonly t1?: string;
  readonly t2?: string;
  readonly earlier?: string;
  /** Paths of the masks by who drew them; of several paths the first that is there. */
  readonly readers: Readonly<Record<string, string | readonly string[]>>;
  /** The value of a lesion in the masks; without it every value but 0. */
  readonly lesionLabel?: number;
  /** Path of a mask of the brain. */
  readonly brain?: string | readonly string[];
  /** The images show only the brain; else, without a mask, Dawson finds it. */
  readonly brainExtracted: boolean;
  /** The scanner, where all cases have one; else the group `centre`. */
  readonly scanner?: string;
  /** What the masks show: lesions, or what is new since the earlier visit. */
  readonly shows: 'lesion' | 'change';
}

const readers = (count: number, path: string): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `reader${at + 1}`,
      path.replace('READER', String(at + 1)),
    ]),
  );

const openMs = {
  brain: ['{root}{patient}/brainmask', '{root}{patient}/{patient}_brainmask'],
  brainExtracted: false,
  scanner: 'Ljubljana',
} as const;

/** Every layout that is understood. Adding a data set is adding a row. */
export const publicLayouts = {
  isbi2015: {
    title: 'ISBI 2015 longitudinal challenge, training set',
    example: 'training01/preprocessed/training01_01_flair_pp.nii',
    flair:
      /^(?<root>.*?)(?<patient>training\d\d)\/preprocessed\/\k<patient>_(?<visit>\d\d)_flair_pp$/,
    t1: '{root}{patient}/preprocessed/{patient}_{visit}_mprage_pp',
    t2: '{root}{patient}/preprocessed/{patient}_{visit}_t2_pp',
    readers: readers(2, '{root}{patient}/masks/{patient}_{visit}_maskREADER'),
    brainExtracted: true,
    scanner: 'isbi2015',
    shows: 'lesion',
  },
  msseg2016: {
    title: 'MSSEG 2016',
    example: 'Training/Center_01/Patient_01/Preprocessed_Data/FLAIR_preprocessed.nii.gz',
    flair:
      /^(?<root>.*?)(?<centre>Center_\d\d)\/(?<patient>Patient_\d\d)\/Preprocessed_Data\/FLAIR_preprocessed$/,
    t1: '{root}{centre}/{patient}/Preprocessed_Data/T1_preprocessed',
    t2: '{root}{centre}/{patient}/Preprocessed_Data/T2_preprocessed',
    readers: {
      consensus: '{root}{centre}/{patient}/Masks/Consensus',
      ...readers(7, '{root}{centre}/{patient}/Masks/ManualSegmentation_READER'),
    },
    brainExtracted: true,
    shows: 'lesion',
  },
  msseg2: {
    title: 'MSSEG-2 (new lesions)',
    example: 'training/013/flair_time02_on_middle_space.nii.gz',
    flair: /^(?<root>.*?)(?<patient>\d{3})\/flair_time02_on_middle_space$/,
    earlier: '{root}{patient}/flair_time01_on_middle_space',
    readers: {
      consensus: '{root}{patient}/ground_truth',
      ...readers(4, '{root}{patient}/ground_truth_expertREADER'),
    },
    brainExtracted: false,
    scanner: 'msseg2',
    shows: 'change',
  },
  mslesseg: {
    title: 'MSLesSeg',
    example: 'train/P1/T1/P1_T1_FLAIR.nii.gz',
    flair: /^(?<root>.*?)(?<patient>P\d+)\/(?<visit>T\d)\/\k<patient>_\k<visit>_FLAIR$/,
    t1: '{root}{patient}/{visit}/{patient}_{visit}_T1',
    t2: '{root}{patient}/{visit}/{patient}_{visit}_T2',
    readers: { consensus: '{root}{patient}/{visit}/{patient}_{visit}_MASK' },
    brainExtracted: true,
    scanner: 'mslesseg',
    shows: 'lesion',
  },
  'open-ms': {
    title: 'Ljubljana’s open MS data, cross-sectional',
    example: 'cross_sectional/coregistered/patient01/FLAIR.nii.gz',
    flair: /^(?<root>(?:.*\/)?(?:cross_sectional\/)?coregistered\/)(?<patient>patient\d\d)\/FLAIR$/,
    t1: '{root}{patient}/T1W',
    t2: '{root}{patient}/T2W',
    readers: {
      consensus: ['{root}{patient}/consensus_gt', '{root}{patient}/{patient}_consensus_gt'],
    },
    ...openMs,
    shows: 'lesion',
  },
  'open-ms-change': {
    title: 'Ljubljana’s open MS data, longitudinal: masks of change',
    example: 'longitudinal/coregistered/patient01/study2_FLAIR.nii.gz',
    flair:
      /^(?<root>(?:.*\/)?(?:longitudinal\/)?coregistered\/)(?<patient>patient\d\d)\/study2_FLAIR$/,
    t1: '{root}{patient}/study2_T1W',
    t2: '{root}{patient}/study2_T2W',
    earlier: '{root}{patient}/study1_FLAIR',
    readers: { consensus: '{root}{patient}/gt' },
    ...openMs,
    shows: 'change',
  },
  ms3seg: {
    title: 'MS3SEG (Tabriz)',
    example: 'preprocessed_nifti/patient_001/001_FLAIR_preprocessed.nii.gz',
    flair:
      /^(?<root>.*?)preprocessed_nifti\/patient_(?<patient>\d{3})\/\k<patient>_FLAIR_preprocessed$/,
    t1: '{root}preprocessed_nifti/patient_{patient}/{patient}_T1_preprocessed',
    t2: '{root}preprocessed_nifti/patient_{patient}/{patient}_T2_preprocessed',
    readers: { consensus: '{root}masks/patient_{patient}/{patient}_mask' },
    // 1 ventricles, 2 hyperintensities that experts judged normal.
    lesionLabel: 3,
    brainExtracted: true,
    scanner: 'Toshiba Vantage 1.5 T',
    shows: 'lesion',
  },
  wmh: {
    title: 'WMH Segmentation Challenge 2017',
    example: 'training/Utrecht/0/pre/FLAIR.nii.gz',
    flair:
      /^(?<root>.*?)(?<centre>Utrecht|Singapore|Amsterdam\/[^/]+|GE3T)\/(?<patient>\d+)\/pre\/FLAIR$/,
    t1: '{root}{centre}/{patient}/pre/T1',
    readers: { reader1: '{root}{centre}/{patient}/wmh' },
    // 2 is other pathology.
    lesionLabel: 1,
    brainExtracted: false,
    shows: 'lesion',
  },
} as const satisfies Record<string, PublicLayout>;

export type PublicName = keyof typeof publicLayouts;
