import { inWorker } from '../../workers.js';
import type { Attributes } from '../attributes.js';
import { type Source, sourceName } from '../instance.js';
import { parseDicom } from '../parse.js';
import { SourceReader } from '../read-source.js';
import { code } from './codes.js';
import type { DataSet } from './data-set.js';
import { type Keyword, tags } from './tags.js';

/** What every result takes over from the images it was made of. */
export interface SourceHeader {
  /** Attributes of patient and study, in a form that the standard allows. */
  readonly patientAndStudy: DataSet;
  /** Date of the study, else of the series, its acquisition or its content. */
  readonly date: string;
  readonly time: string;
  /** Whether the images were ever compressed with loss, which results then say too. */
  readonly lossy: DataSet;
}

/** Stands where an exam has no date at all: results must have one, and nobody takes this for real. */
const noDate = '19000101';

/**
 * Patient and study of an image by its header. For worker threads.
 * @throws DawsonError as reading and parsing a file.
 */
export function readSourceHeader(source: Source): Promise<SourceHeader> {
  return SourceReader.with(async (reader) => {
    const bytes = await reader.read(source);
    const parsed = parseDicom(bytes, sourceName(source), { withPixels: false });
    return headerOf(parsed!.attributes);
  });
}

export const readSourceHeaderInWorker = inWorker<typeof readSourceHeader>(
  import.meta.url,
  'readSourceHeader',
);

function headerOf(attributes: Attributes): SourceHeader {
  const moments = [
    ['x00080020', 'x00080030'],
    ['x00080021', 'x00080031'],
    ['x00080022', 'x00080032'],
    ['x00080023', 'x00080033'],
  ].map(([date, time]) => ({
    date: dateText(attributes.text(date)),
    time: timeText(attributes.text(time)),
  }));
  const known = moments.find(({ date }) => date !== undefined);
  return {
    patientAndStudy: patientAndStudyOf(attributes),
    date: known?.date ?? noDate,
    time: known?.time ?? '000000',
    lossy: lossyOf(attributes),
  };
}

function lossyOf(attributes: Attributes): DataSet {
  if (attributes.text('x00282110') !== '01') return { LossyImageCompression: '00' };
  const ratio = attributes.decimals('x00282112');
  const method = attributes.texts('x00282114').filter((text) => /^[A-Z0-9_ ]{1,16}$/.test(text));
  return {
    LossyImageCompression: '01',
    ...(ratio && { LossyImageCompressionRatio: ratio }),
    ...(method.length > 0 && { LossyImageCompressionMethod: method }),
  };
}

/** Must be there, if empty (type 2). */
const required = [
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
  'StudyDate',
  'StudyTime',
  'StudyID',
  'AccessionNumber',
  'ReferringPhysicianName',
] as const;

/** Written where the source has them, if empty. Sequences are not, but for codes of how it was de-identified: those of a broken source would break the result. */
const optional = [
  'IssuerOfPatientID',
  'PatientBirthTime',
  'OtherPatientIDs',
  'OtherPatientNames',
  'PatientBirthName',
  'EthnicGroup',
  'PatientComments',
  'PatientIdentityRemoved',
  'DeidentificationMethod',
  'TimezoneOffsetFromUTC',
  'StudyDescription',
  'PhysiciansOfRecord',
  'NameOfPhysiciansReadingStudy',
  'AdmittingDiagnosesDescription',
  'PatientAge',
  'PatientSize',
  'PatientWeight',
  'MedicalAlerts',
  'Allergies',
  'Occupation',
  'SmokingStatus',
  'LastMenstrualDate',
  'AdmissionID',
  'SpecialNeeds',
  'PatientState',
  'VisitComments',
  'AdditionalPatientHistory',
] as const;

/** By these an archive tells patients and exams apart: they stay whole, even where too long. */
const identifying: readonly Keyword[] = ['PatientID', 'IssuerOfPatientID', 'AccessionNumber'];
const severalValues: readonly Keyword[] = [
  'OtherPatientIDs',
  'AdmittingDiagnosesDescription',
  'DeidentificationMethod',
  'MedicalAlerts',
  'Allergies',
];

function patientAndStudyOf(attributes: Attributes): DataSet {
  const values: { [keyword in Keyword]?: string } = {
    StudyInstanceUID: attributes.text('x0020000d'),
  };
  for (const keyword of required) values[keyword] = usable(attributes, keyword) ?? '';
  for (const keyword of optional) {
    if (attributes.has(`x${tags[keyword][0]}`)) values[keyword] = usable(attributes, keyword) ?? '';
  }
  if (values.PatientIdentityRemoved === 'YES') {
    values.DeidentificationMethod ||= 'As of the source images';
  }
  const methods = codesOf(attributes, 'DeidentificationMethodCodeSequence');
  return { ...values, ...(methods.length > 0 && { DeidentificationMethodCodeSequence: methods }) };
}

/** The codes of a sequence, but for those of another form than the standard asks for. */
function codesOf(attributes: Attributes, keyword: Keyword): DataSet[] {
  return attributes.items(`x${tags[keyword][0]}`).flatMap((item) => {
    const [value, scheme] = [item.text('x00080100'), item.text('x00080102')];
    const meaning = shortText(item.written('x00080104'), 'CodeMeaning');
    const isShort = [value, scheme].every((text) => text && /^[\x20-\x7e]{1,16}$/.test(text));
    return isShort && meaning ? [code(value!, scheme!, meaning)] : [];
  });
}

/** The value of an attribute, undefined where it is not of the form that the standard asks for. */
function usable(attributes: Attributes, keyword: Keyword): string | undefined {
  const [hex, vr] = tags[keyword];
  const tag = `x${hex}`;
  if (keyword === 'PatientSex') return matching(attributes.text(tag)?.toUpperCase(), /^[MFO]$/);
  if (keyword === 'PatientIdentityRemoved') return matching(attributes.text(tag), /^(YES|NO)$/);
  if (keyword === 'SmokingStatus') return matching(attributes.text(tag), /^(YES|NO|UNKNOWN)$/);
  if (keyword === 'TimezoneOffsetFromUTC') {
    return matching(attributes.text(tag), /^[+-](0\d|1[0-4])[0-5]\d$/);
  }
  if (vr === 'PN') return attributes.written(tag, 'PN');
  if (vr === 'DA') return dateText(attributes.text(tag));
  if (vr === 'TM') return timeText(attributes.text(tag));
  if (vr === 'AS') return matching(attributes.text(tag), /^\d{3}[DWMY]$/);
  if (vr === 'DS') return matching(attributes.text(tag), /^(?=.{1,16}$)\+?\d+(\.\d*)?$/);
  if (vr === 'LT') return attributes.written(tag);
  return shortText(attributes.written(tag), keyword);
}

/** Text of the representations LO (64 characters) and SH (16). */
function shortText(text: string | undefined, keyword: Keyword): string | undefined {
  if (severalValues.includes(keyword)) return text;
  const [value] = (text ?? '').split('\\', 1);
  const most = tags[keyword][1] === 'SH' ? 16 : 64;
  const cut = identifying.includes(keyword) ? value : [...value].slice(0, most).join('');
  return cut.trim() || undefined;
}

const matching = (text: string | undefined, pattern: RegExp) =>
  text !== undefined && pattern.test(text) ? text : undefined;

/** 20260131, also of 2026.01.31 as ACR-NEMA wrote it; undefined for what no calendar has. */
function dateText(text: string | undefined): string | undefined {
  const [, year, month, day] = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(text ?? '') ?? [];
  const time = new Date(`${year}-${month}-${day}T00:00:00Z`);
  const exists = !Number.isNaN(time.getTime()) && time.getUTCDate() === Number(day);
  return exists ? `${year}${month}${day}` : undefined;
}

/** HHMMSS with parts of it left out or a fraction, also of HH:MM:SS. */
const timeText = (text: string | undefined) =>
  matching(text?.replaceAll(':', ''), /^([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?$/);
