/**
 * Every failure the program can report. A row says how the process ends (`exitCode`), what kind of
 * failure it is (`title`) and what the person in front of it can do (`advice`). Adding an error is
 * adding a row.
 *
 * Exit codes: 1 a defect of Dawson, 2 wrong use of the command line, 3 an unusable input file,
 * 4 inputs that do not fit together, 5 the output cannot be written, 6 the method failed on this
 * exam, 7 something the machine lacks, 130 stopped by the user.
 */
export const errorTable = {
  internal: {
    exitCode: 1,
    title: 'Dawson has a defect',
    advice: 'Please report this message together with the command that led to it.',
  },
  usage: {
    exitCode: 2,
    title: 'The command cannot be understood',
    advice: 'Run the command with --help.',
  },
  'file-not-found': {
    exitCode: 3,
    title: 'A file cannot be read',
    advice: 'Check the path and its permissions.',
  },
  'not-an-image': {
    exitCode: 3,
    title: 'The file is not an image that Dawson reads',
    advice: 'Give DICOM files with --dicom, or convert the series to NIfTI first.',
  },
  'file-truncated': {
    exitCode: 3,
    title: 'The file is incomplete',
    advice: 'Copy or convert it again: its end is missing.',
  },
  'file-oversized': {
    exitCode: 3,
    title: 'The file holds more or larger data than its header allows',
    advice: 'Convert it again; a file whose header and data disagree cannot be trusted.',
  },
  'file-corrupt': {
    exitCode: 3,
    title: 'The file is damaged',
    advice: 'Copy or convert it again: parts of it contradict each other.',
  },
  'bad-geometry': {
    exitCode: 3,
    title: 'The image has no usable position in space',
    advice: 'Convert it again from the scanner data, and check its orientation in a viewer.',
  },
  'unsupported-image': {
    exitCode: 3,
    title: 'The image is of a kind that Dawson does not read',
    advice: 'Give one three-dimensional volume of scalar values.',
  },
  'bad-intensities': {
    exitCode: 3,
    title: 'The image holds no usable intensities',
    advice: 'Look at the image in a viewer; export it again if it is empty or damaged.',
  },
  'bad-transform': {
    exitCode: 3,
    title: 'The transform file cannot be used',
    advice: 'Give a text file with one ITK affine, rigid or Euler transform in three dimensions.',
  },
  'not-a-mask': {
    exitCode: 3,
    title: 'The file is not a mask',
    advice: 'Give a mask of 0 and 1: binarise labels, and resample masks by nearest voxels.',
  },
  'bad-table': {
    exitCode: 3,
    title: 'The table cannot be used',
    advice: 'Correct the rows and columns named; docs/evaluation.md describes the columns.',
  },
  'bad-dataset': {
    exitCode: 3,
    title: 'The training set cannot be used',
    advice: 'Correct everything that is listed; docs/training.md describes the folder.',
  },
  'bad-experiment': {
    exitCode: 3,
    title: 'The experiment cannot be run',
    advice: 'Correct everything that is listed; docs/experiments.md describes the file.',
  },
  'bad-model': {
    exitCode: 3,
    title: 'The model cannot be used',
    advice: 'Get the model folder again, whole: its files belong together and must not change.',
  },
  'bad-rules': {
    exitCode: 3,
    title: 'The rules for the choice of series cannot be used',
    advice: 'Correct what is named; docs/dicom.md describes the file.',
  },
  'bad-configuration': {
    exitCode: 3,
    title: 'The configuration of the gateway cannot be used',
    advice: 'Correct what is named; docs/gateway.md describes the file.',
  },
  'series-not-found': {
    exitCode: 4,
    title: 'The folder does not hold the series that is needed',
    advice: 'Run `dawson dicom list` on the folder: it says what each series is, and why.',
  },
  'study-changing': {
    exitCode: 4,
    title: 'The exam changes while it is read',
    advice: 'Wait until all of it has arrived, and run the command again.',
  },
  'inputs-conflict': {
    exitCode: 4,
    title: 'The input files do not fit together',
    advice: 'Check that all files belong to the same exam of the same person.',
  },
  'wrong-sequence': {
    exitCode: 4,
    title: 'A sequence is not what it is said to be',
    advice:
      'Give each file to the option of its sequence. To go on as it is, add --ignore-quality.',
  },
  'output-exists': {
    exitCode: 5,
    title: 'The output is in the way of something else',
    advice: 'Give another folder or file name.',
  },
  'output-failed': {
    exitCode: 5,
    title: 'The result cannot be written',
    advice: 'Check the folder, its permissions and the free disk space; nothing was left behind.',
  },
  'registration-failed': {
    exitCode: 6,
    title: 'Two sequences cannot be aligned',
    advice: 'Check that both show the same head; if they are aligned already, add --registered.',
  },
  'brain-not-found': {
    exitCode: 6,
    title: 'No brain is found in the image',
    advice: 'Check that it shows a whole head; if it is brain-extracted, add --brain-extracted.',
  },
  'segmentation-failed': {
    exitCode: 6,
    title: 'The lesions cannot be segmented',
    advice: 'Look at the images named: contrast or quality may be unusual.',
  },
  'training-failed': {
    exitCode: 6,
    title: 'The training cannot go on',
    advice: 'Look at the images and labels, or start again with a lower learning rate.',
  },
  'missing-on-machine': {
    exitCode: 7,
    title: 'Something this command needs is missing on the machine',
    advice: 'Install what is named, or choose another setting.',
  },
  'queue-failed': {
    exitCode: 7,
    title: 'The cluster’s queue refused or did not answer',
    advice:
      'What it said is above; partition and account are taken from SBATCH_PARTITION and SBATCH_ACCOUNT.',
  },
  'gateway-not-running': {
    exitCode: 7,
    title: 'The gateway of this configuration does not run',
    advice: 'Start it with `dawson gateway --config FILE`, or ask on the machine on which it runs.',
  },
  'out-of-memory': {
    exitCode: 7,
    title: 'The machine has too little memory for this task',
    advice: 'Close other programs, or use a machine with more memory.',
  },
  interrupted: {
    exitCode: 130,
    title: 'Stopped',
    advice: 'Nothing was left behind. Run the command again to start over.',
  },
} as const satisfies Record<string, { exitCode: number; title: string; advice: string }>;

export type ErrorCode = keyof typeof errorTable;

/** What a failure says: which file, what was expected and what was found there. */
export interface FailureDetails {
  readonly file?: string;
  readonly expected: string;
  readonly found: string;
  /** Replaces the advice of the table where this case knows better. */
  readonly advice?: string;
}

/** What a person can still read; a file may hold any amount of what a message quotes. */
const longestText = 10_000;

const shortened = (text: string) =>
  text.length > longestText ? `${text.slice(0, longestText)}… (shortened)` : text;

/** How much is listed of what is wrong with a table or a training set. */
const mostListed = 20;
const longestItem = 300;

/** The first problems of many, each cut to a line's length, and how many more there are. */
export function listed(problems: readonly string[], separator: string): string {
  const more = problems.length - mostListed;
  return [
    ...problems.slice(0, mostListed).map((text) => text.slice(0, longestItem)),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join(separator);
}

/** A failure with a row in {@link errorTable}; plain data, so that it survives a worker's border. */
export class DawsonError extends Error {
  override readonly name = 'DawsonError';
  readonly code: ErrorCode;
  readonly details: FailureDetails;

  constructor(code: ErrorCode, details: FailureDetails) {
    const expected = shortened(details.expected);
    const found = shortened(details.found);
    const where = details.file === undefined ? '' : `${details.file}: `;
    super(`${where}expected ${expected}; found ${found}`);
    this.code = code;
    this.details = { ...details, expected, found };
  }

  get exitCode(): number {
    return errorTable[this.code].exitCode;
  }

  get title(): string {
    return errorTable[this.code].title;
  }

  get advice(): string {
    return this.details.advice ?? errorTable[this.code].advice;
  }
}

/**
 * Makes sure that a value is one that is known, where a program may have it from elsewhere.
 * @throws DawsonError `usage`.
 */
export function requireOneOf(what: string, value: unknown, known: readonly string[]): void {
  if (known.some((one) => one === value)) return;
  throw new DawsonError('usage', {
    expected: `a ${what} of ${known.join(', ')}`,
    found: value === undefined ? 'none' : `${JSON.stringify(value)}`,
  });
}
