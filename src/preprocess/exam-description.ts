import { basename, dirname, join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { DawsonError } from '../errors.js';
import { imageName, readShippedJson } from '../formats/index.js';
import { isThere } from '../formats/open-file.js';
import { readForeignJson } from '../formats/read-json.js';
import { type DescriptionSchema, descriptionOf, isDate } from './foreign-description.js';

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
  /** Protocol of the FLAIR. */
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

/** What is known of an exam, and what of its descriptions was passed over. */
export interface DescribedExam {
  readonly description?: ExamDescription;
  readonly notes: readonly string[];
}

const schemaFile = 'schemas/findings-1.schema.json';

/**
 * The description of the exam whose FLAIR is given: what `exam.json` in the FLAIR's folder says
 * (the form of {@link ExamDescription}), else what the sidecar beside the FLAIR says (`flair.json`
 * for `flair.nii.gz`, as dcm2niix and BIDS write them), with what was `given` put over it. Of both
 * files whatever is usable is taken; `notes` names the rest.
 * @throws DawsonError `usage` where what was given is of another form.
 */
export async function describeExam(
  flairFile: string,
  given: GivenDescription = {},
): Promise<DescribedExam> {
  const schema = await examSchema();
  const { ownFile, sidecar } = descriptionFiles(flairFile);
  const own = await readDescription(ownFile, schema, 'own');
  const found = own.description
    ? own
    : await readDescription(sidecar, schema, 'sidecar', own.notes);
  return withGiven(found, given);
}

const descriptionFiles = (flairFile: string) => ({
  ownFile: join(dirname(flairFile), 'exam.json'),
  sidecar: join(dirname(flairFile), `${imageName(flairFile)}.json`),
});

/** The files there are that {@link describeExam} would look into. */
export async function descriptionsOf(flairFile: string): Promise<string[]> {
  const files = Object.values(descriptionFiles(flairFile));
  const there = await Promise.all(files.map((file) => isThere(file)));
  return files.filter((_, at) => there[at]);
}

const examSchema = async (): Promise<DescriptionSchema> =>
  ((await readShippedJson(schemaFile)) as { $defs: { exam: DescriptionSchema } }).$defs.exam;

/**
 * What is known of an exam with what was `given` put over it.
 * @throws DawsonError `usage` where what was given is of another form.
 */
export async function withGiven(
  found: DescribedExam,
  given: GivenDescription = {},
): Promise<DescribedExam> {
  const { patient: id, date } = given;
  if (id === undefined && date === undefined) return found;
  const { description, notes } = found;
  const merged = {
    ...description,
    ...(date !== undefined && { date }),
    // Another patient's name must not stand beside the id that was given.
    ...(id !== undefined && {
      patient: description?.patient?.id === id ? description.patient : { id },
    }),
  };
  return { description: checked(merged, await examSchema()), notes };
}

/**
 * What a file says, none where nothing has this name; its notes come behind those of `before`.
 * @throws DawsonError `file-not-found` for what has the name and is no file that can be read.
 */
async function readDescription(
  file: string,
  schema: DescriptionSchema,
  form: 'own' | 'sidecar',
  before: readonly string[] = [],
): Promise<DescribedExam> {
  if (!(await isThere(file))) return { notes: before };
  try {
    const read = await readForeignJson(file);
    const { description, notes } = descriptionOf(read.value, schema, form);
    const own = [...read.notes, ...notes].map((note) => `${basename(file)}: ${note}`);
    return { ...(description && { description }), notes: [...before, ...own] };
  } catch (error) {
    if (!(error instanceof DawsonError) || error.code === 'file-not-found') throw error;
    const { expected, found } = error.details;
    const note = `${basename(file)}: expected ${expected}, found ${found}: passed over`;
    return { notes: [...before, note] };
  }
}

/** What the command line gave, which has to be of the form of a description. */
function checked(value: unknown, schema: DescriptionSchema): ExamDescription {
  const validate = new Ajv2020().compile(schema) as ValidateFunction<ExamDescription>;
  const fail = (found: string): never => {
    throw new DawsonError('usage', {
      expected: 'a description of an exam: patient, date (YYYY-MM-DD), scanner, protocol',
      found,
    });
  };
  if (!validate(value)) {
    const [{ instancePath, message }] = validate.errors!;
    return fail(`${instancePath || 'the document'} ${message}`);
  }
  if (value.date !== undefined && !isDate(value.date)) {
    fail('a date that the calendar does not have');
  }
  return value;
}
