import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { DawsonError } from '../errors.js';
import { readJson } from '../formats/read-json.js';

/** Whose exam it is, when and with what it was taken; every part may be unknown. */
export interface ExamDescription {
  readonly patient?: {
    readonly id?: string;
    readonly name?: string;
    /** Dates are 'YYYY-MM-DD'. */
    readonly birthDate?: string;
    readonly sex?: string;
  };
  readonly date?: string;
  readonly scanner?: {
    readonly manufacturer?: string;
    readonly model?: string;
    readonly fieldStrengthTesla?: number;
  };
  /** Of the FLAIR. */
  readonly protocol?: {
    readonly name?: string;
    readonly sliceThicknessMm?: number;
    readonly repetitionTimeS?: number;
    readonly echoTimeS?: number;
    readonly inversionTimeS?: number;
    readonly contrastAgent?: string;
  };
}

/** What is given on the command line; it has priority over files. */
export interface GivenDescription {
  readonly patient?: string;
  readonly date?: string;
}

const schemaFile = new URL('../../schemas/findings-1.schema.json', import.meta.url);

/**
 * The description of the exam whose FLAIR is given: what `exam.json` in the FLAIR's folder says
 * (the form of {@link ExamDescription}), else what the sidecar beside the FLAIR says (`flair.json`
 * for `flair.nii.gz`, as dcm2niix and BIDS write them), with what was `given` put over it.
 * Undefined where nothing is known.
 * @throws DawsonError `file-corrupt` where a description is damaged or of another form, `usage`
 *   where what was given is.
 */
export async function describeExam(
  flairFile: string,
  given: GivenDescription = {},
): Promise<ExamDescription | undefined> {
  const own = await readIfThere(join(dirname(flairFile), 'exam.json'));
  const sidecar = join(
    dirname(flairFile),
    `${basename(flairFile).replace(/(\.nii(\.gz)?|\.mh[ad])$/, '')}.json`,
  );
  const found = own ?? fromSidecar(await readIfThere(sidecar));
  const description =
    found === undefined
      ? undefined
      : await checked(found.value, { file: found.file, code: 'file-corrupt' });
  return withGiven(description, given);
}

/**
 * A description with what was `given` put over it.
 * @throws DawsonError `usage` where what was given is of another form.
 */
export async function withGiven(
  description: ExamDescription | undefined,
  given: GivenDescription = {},
): Promise<ExamDescription | undefined> {
  const { patient: id, date } = given;
  if (id === undefined && date === undefined) return description;
  const merged = {
    ...description,
    ...(date !== undefined && { date }),
    // Another patient's name must not stand beside the id that was given.
    ...(id !== undefined && {
      patient: description?.patient?.id === id ? description.patient : { id },
    }),
  };
  return checked(merged, { code: 'usage' });
}

interface Found {
  readonly file: string;
  readonly value: unknown;
}

async function readIfThere(file: string): Promise<Found | undefined> {
  try {
    return { file, value: await readJson(file) };
  } catch (error) {
    if (error instanceof DawsonError && error.code === 'file-not-found') return undefined;
    throw error;
  }
}

/** Keys of BIDS and dcm2niix, by what they are here; times are in seconds, dates as in DICOM or ISO. */
function fromSidecar(found: Found | undefined): Found | undefined {
  if (found === undefined) return undefined;
  const { file, value } = found;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DawsonError('file-corrupt', {
      file,
      expected: 'a JSON object, as dcm2niix writes it',
      found: 'another value',
    });
  }
  const at = value as Readonly<Record<string, unknown>>;
  const time = at.AcquisitionDateTime ?? at.AcquisitionDate ?? at.StudyDate ?? at.SeriesDate;
  const description = withoutUnknown({
    patient: withoutUnknown({
      id: at.PatientID,
      name: at.PatientName,
      birthDate: isoDate(at.PatientBirthDate),
      sex: at.PatientSex,
    }),
    date: isoDate(time),
    scanner: withoutUnknown({
      manufacturer: at.Manufacturer,
      model: at.ManufacturersModelName,
      fieldStrengthTesla: at.MagneticFieldStrength,
    }),
    protocol: withoutUnknown({
      name: at.ProtocolName ?? at.SeriesDescription,
      sliceThicknessMm: at.SliceThickness,
      repetitionTimeS: at.RepetitionTime,
      echoTimeS: at.EchoTime,
      inversionTimeS: at.InversionTime,
      contrastAgent: at.ContrastBolusAgent ?? at.ContrastBolusIngredient,
    }),
  });
  return description === undefined ? undefined : { file, value: description };
}

/** '20260131', '20260131120000' and '2026-01-31T12:00:00' as '2026-01-31'; others are unknown. */
function isoDate(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const [, year, month, day] = /^(\d{4})-?(\d{2})-?(\d{2})(?:\D|\d{6}|$)/.exec(value) ?? [];
  const date = `${year}-${month}-${day}`;
  return day !== undefined && isDate(date) ? date : undefined;
}

/** Without what is undefined or an empty text; undefined where nothing is left. */
function withoutUnknown<T extends object>(record: T): T | undefined {
  const known = Object.entries(record).filter(([, value]) => value !== undefined && value !== '');
  return known.length > 0 ? (Object.fromEntries(known) as T) : undefined;
}

async function checked(
  value: unknown,
  { file, code }: { file?: string; code: 'file-corrupt' | 'usage' },
): Promise<ExamDescription> {
  const { $defs } = JSON.parse(await readFile(schemaFile, 'utf8'));
  const validate = new Ajv2020().compile($defs.exam) as ValidateFunction<ExamDescription>;
  const fail = (found: string): never => {
    throw new DawsonError(code, {
      ...(file !== undefined && { file }),
      expected: 'a description of an exam: patient, date (YYYY-MM-DD), scanner, protocol',
      found,
      ...(code === 'file-corrupt' && { advice: 'Correct the description, or remove it.' }),
    });
  };
  if (!validate(value)) {
    const [{ instancePath, message }] = validate.errors!;
    return fail(`${instancePath || 'the document'} ${message}`);
  }
  for (const date of [value.date, value.patient?.birthDate]) {
    // Without the date itself: it may be a birth date, and messages go into logs.
    if (date !== undefined && !isDate(date)) fail('a date that the calendar does not have');
  }
  return value;
}

function isDate(text: string): boolean {
  const time = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text);
}
