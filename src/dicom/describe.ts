import type { ExamDescription } from '../preprocess/exam-description.js';
import { inWorker } from '../workers.js';
import type { Attributes } from './attributes.js';
import { type Source, sourceName } from './instance.js';
import { parseDicom } from './parse.js';
import { readFrames } from './read-frames.js';
import { readProtocol } from './read-protocol.js';
import { SourceReader } from './read-source.js';

const longestText = 256;

/**
 * Whose exam a DICOM image is of, when and with what it was taken, by its own header; parts that are
 * missing or impossible are unknown. This is the only place that reads who the patient is.
 * @throws DawsonError as reading and parsing a file.
 */
export function describeSource(source: Source): Promise<ExamDescription> {
  return SourceReader.with(async (reader) => {
    const bytes = await reader.read(source);
    const parsed = parseDicom(bytes, sourceName(source), { withPixels: false });
    return parsed ? descriptionOf(parsed.attributes) : {};
  });
}

export const describeSourceInWorker = inWorker<typeof describeSource>(
  import.meta.url,
  'describeSource',
);

function descriptionOf(attributes: Attributes): ExamDescription {
  const protocol = readProtocol(attributes);
  const [frame] = readFrames(attributes);
  const id = short(attributes.written('x00100020'));
  const name = short(personName(attributes.written('x00100010', 'PN')));
  const birthDate = isoDate(attributes.text('x00100030'));
  const sex = attributes.text('x00100040')?.toUpperCase();
  const date = isoDate(attributes.text('x00080022')) ?? isoDate(attributes.text('x00080020'));
  return known({
    patient: known({ id, name, birthDate, sex: sex && /^[MFO]$/.test(sex) ? sex : undefined }),
    date,
    scanner: known({
      manufacturer: short(protocol.manufacturer),
      model: short(attributes.written('x00081090')),
      fieldStrengthTesla: within(fieldTesla(attributes), 30),
    }),
    protocol: known({
      name: short(protocol.name ?? protocol.description),
      sliceThicknessMm: within(frame?.thickness, 100),
      repetitionTimeS: within(seconds(protocol.repetitionMs), 100),
      echoTimeS: within(seconds(frame?.echoMs), 100),
      inversionTimeS: within(seconds(protocol.inversionsMs[0]), 100),
      contrastAgent: protocol.contrastAgent
        ? (short(attributes.written('x00180010')) ?? 'yes')
        : undefined,
    }),
  }) as ExamDescription;
}

/** Without what is undefined and what is empty; undefined where nothing is left of a part. */
function known(record: object): object | undefined {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

const short = (text: string | undefined) => text?.slice(0, longestText);
const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000);
const within = (value: number | undefined, most: number) =>
  value !== undefined && value > 0 && value <= most ? value : undefined;

/** The first of up to three spellings of a name, its parts in the order in which it is said. */
function personName(text: string | undefined): string | undefined {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] =
    text?.split('=', 1)[0].split('^') ?? [];
  const said = [prefix, given, middle, family, suffix].map((part) => part.trim());
  return said.filter((part) => part !== '').join(' ') || undefined;
}

/** Old scanners write 1.5 T as 15000 gauss. */
function fieldTesla(attributes: Attributes): number | undefined {
  const field = attributes.decimal('x00180087');
  return field !== undefined && field > 100 ? field / 10_000 : field;
}

/** 20260131 and, of ACR-NEMA, 2026.01.31 as 2026-01-31; what the calendar does not have is unknown. */
function isoDate(text: string | undefined): string | undefined {
  const [, year, month, day] = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(text ?? '') ?? [];
  if (day === undefined) return undefined;
  const date = `${year}-${month}-${day}`;
  const time = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(date) ? date : undefined;
}
