import { Ajv2020 } from 'ajv/dist/2020.js';

/** A JSON schema of an object whose values are texts, numbers or such objects. */
export interface DescriptionSchema {
  readonly type: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, DescriptionSchema>>;
}

/** Keys of BIDS and dcm2niix, by what they are here; the first usable one counts. */
const sidecarKeys: Readonly<Record<string, readonly string[]>> = {
  'patient.id': ['PatientID'],
  'patient.name': ['PatientName'],
  'patient.birthDate': ['PatientBirthDate'],
  'patient.sex': ['PatientSex'],
  date: ['AcquisitionDateTime', 'AcquisitionDate', 'StudyDate', 'SeriesDate'],
  'scanner.manufacturer': ['Manufacturer'],
  'scanner.model': ['ManufacturersModelName'],
  'scanner.fieldStrengthTesla': ['MagneticFieldStrength'],
  'protocol.name': ['ProtocolName', 'SeriesDescription'],
  'protocol.sliceThicknessMm': ['SliceThickness'],
  'protocol.repetitionTimeS': ['RepetitionTime'],
  'protocol.echoTimeS': ['EchoTime'],
  'protocol.inversionTimeS': ['InversionTime'],
  'protocol.contrastAgent': ['ContrastBolusAgent', 'ContrastBolusIngredient'],
};

/** Words with which scanners and people say that there was no contrast agent. */
export const noContrastAgent = /^(no|none|n|not given|without|0|-)$/i;

/** More fields than these are not worth listing. */
const mostListedFields = 5;

/**
 * What a description that another program may have written says, as far as it fits the schema. Notes
 * name fields, never what stands in them: it may be a patient's name.
 * @param form `own`: the fields are those of the schema, and others are noted; `sidecar`: those of
 *   BIDS and dcm2niix, which have many more.
 */
export function descriptionOf(
  value: unknown,
  schema: DescriptionSchema,
  form: 'own' | 'sidecar',
): { description?: object; notes: string[] } {
  if (!isObject(value)) {
    return { notes: [`expected a JSON object, found ${kindOf(value)}: passed over`] };
  }
  const notes: string[] = form === 'own' ? unknownFields(value) : [];
  const description: Record<string, unknown> = {};
  for (const [path, keys] of Object.entries(sidecarKeys)) {
    const steps = path.split('.');
    const leaf = steps.reduce((part, step) => part.properties![step], schema);
    for (const key of form === 'own' ? [path] : keys) {
      const found = usable(leaf, valueAt(value, key.split('.')), key, notes);
      if (found === undefined) continue;
      if (path === 'protocol.contrastAgent' && noContrastAgent.test(String(found))) continue;
      const [group, name] = steps;
      if (name === undefined) description[group] = found;
      else description[group] = { ...(description[group] as object), [name]: found };
      break;
    }
  }
  return { ...(Object.keys(description).length > 0 && { description }), notes };
}

/** A value in the type of the schema; undefined, and noted, where it cannot be. */
function usable(leaf: DescriptionSchema, given: unknown, key: string, notes: string[]): unknown {
  const one = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (one === undefined || one === '') return undefined;
  const found = inType(leaf, one);
  const isReal = leaf.pattern === undefined || (found !== undefined && isDate(String(found)));
  if (found !== undefined && isReal && new Ajv2020().validate(leaf, found)) return found;
  notes.push(`${key} is ${kindOf(one)} that cannot be used: passed over`);
  return undefined;
}

/** Says which fields of an object, and of the objects in it, are none of a description. */
function unknownFields(value: Record<string, unknown>): string[] {
  const paths = Object.entries(value).flatMap(([key, inner]) =>
    isObject(inner) ? Object.keys(inner).map((name) => `${key}.${name}`) : [key],
  );
  const unknown = paths.filter((path) => !Object.hasOwn(sidecarKeys, path));
  if (unknown.length === 0) return [];
  const more = unknown.length - mostListedFields;
  const listed =
    unknown.slice(0, mostListedFields).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return [`fields of no meaning here, passed over: ${listed}`];
}

/** Numbers as texts and texts as numbers, dates as `YYYY-MM-DD`; undefined where it is neither. */
function inType({ type, pattern }: DescriptionSchema, value: unknown): string | number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value).trim();
  if (text === '' || /^n\/?a$/i.test(text)) return undefined;
  if (type === 'number') return Number.isFinite(Number(text)) ? Number(text) : undefined;
  return pattern === undefined ? text : isoDate(text);
}

/** '20260131', '20260131120000' and '2026-01-31T12:00:00' as '2026-01-31'. */
function isoDate(text: string): string | undefined {
  const [, year, month, day] = /^(\d{4})-?(\d{2})-?(\d{2})(?:\D|\d{6}|$)/.exec(text) ?? [];
  return day === undefined ? undefined : `${year}-${month}-${day}`;
}

/** Whether a text is a day of the calendar, `YYYY-MM-DD`. */
export function isDate(text: string): boolean {
  const time = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What lies at a path of keys, without what objects inherit: a key may be called as a method. */
const valueAt = (value: unknown, path: readonly string[]) =>
  path.reduce<unknown>(
    (part, key) => (isObject(part) && Object.hasOwn(part, key) ? part[key] : undefined),
    value,
  );

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return (
    { string: 'a text', number: 'a number', boolean: 'a truth value' }[typeof value as string] ??
    'an object'
  );
}
