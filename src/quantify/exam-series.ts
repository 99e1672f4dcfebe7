import { DawsonError } from '../errors.js';
import type { Caution } from './change.js';
import type { Findings } from './findings.js';

interface WithFindings {
  readonly findings: Findings;
}

const dateOf = ({ findings }: WithFindings) => findings.exam?.date;

/**
 * Makes sure that exams do not belong to different patients, as far as they say whose they are.
 * Names are not compared: they change, and are spelled in more than one way.
 * @throws DawsonError `inputs-conflict`, without the ids: messages go into logs.
 */
export function requireSamePatient(
  exams: readonly (WithFindings & { readonly folder: string })[],
): void {
  const [first, ...others] = exams.filter(({ findings }) => findings.exam?.patient?.id);
  for (const { folder, findings } of others) {
    if (findings.exam!.patient!.id === first.findings.exam!.patient!.id) continue;
    throw new DawsonError('inputs-conflict', {
      file: folder,
      expected: `an exam of the same patient as ${first.folder}`,
      found: 'another patient id',
      advice: 'Compare exams of one patient only.',
    });
  }
}

/**
 * Why an exam is left out. Not the whole path: folders may be named for patients, and documents are
 * passed on.
 */
export const reasonOf = ({ title, details: { expected, found } }: DawsonError): string =>
  `${title}: expected ${expected}; found ${found}.`;

export const leftOutCaution = (folderName: string, reason: string): Caution => ({
  code: 'exam-left-out',
  text: `The exam in ${folderName} was left out: ${reason}`,
});

/** Exams in the order of their dates where each has one, else as given; equal dates stay as given. */
export function inOrderOfTime<E extends WithFindings>(exams: readonly E[]): E[] {
  if (exams.some((exam) => dateOf(exam) === undefined)) return [...exams];
  return exams.toSorted((a, b) => {
    const [before, after] = [dateOf(a)!, dateOf(b)!];
    return before < after ? -1 : before > after ? 1 : 0;
  });
}

/** What is odd about whose the exams are and when they were taken. */
export function seriesCautions<E extends WithFindings>(
  ordered: readonly E[],
  given: readonly E[],
): Caution[] {
  const cautions: Caution[] = [];
  const add = (code: Caution['code'], text: string) => cautions.push({ code, text });
  if (ordered.some(({ findings }) => findings.exam?.patient?.id === undefined)) {
    add(
      'patient-unknown',
      'Not every exam says whose it is: that they are of one patient rests on the shape of the head.',
    );
  }
  const dates = ordered.map(dateOf);
  if (dates.some((date) => date === undefined)) {
    add(
      'dates-missing',
      'Not every exam has a date: the order is the one in which they were given.',
    );
  } else if (ordered.some((exam, at) => exam !== given[at])) {
    add(
      'dates-reversed',
      'The exams were not given in the order of their dates; they were sorted.',
    );
  }
  const repeated = dates.find((date, at) => date !== undefined && dates.indexOf(date) < at);
  if (repeated !== undefined) {
    add('dates-equal', `Two exams have the same date, ${repeated}: which came first is not known.`);
  }
  return cautions;
}

/** Voxel sizes and slice thicknesses differ from this share on. */
const leastSizeDifference = 0.1;

/** What differs in how two exams were taken and read, and may look like change of the lesions. */
export function comparisonCautions(previous: Findings, current: Findings): Caution[] {
  const scanner = differences([
    ['manufacturer', previous.exam?.scanner?.manufacturer, current.exam?.scanner?.manufacturer],
    ['model', previous.exam?.scanner?.model, current.exam?.scanner?.model],
    [
      'field strength (T)',
      previous.exam?.scanner?.fieldStrengthTesla,
      current.exam?.scanner?.fieldStrengthTesla,
    ],
  ]);
  const [before, now] = [previous.exam?.protocol, current.exam?.protocol];
  const protocol = [
    ...voxelDifference(previous, current),
    ...differences([
      ['slice thickness (mm)', before?.sliceThicknessMm, now?.sliceThicknessMm],
      ['repetition time (s)', before?.repetitionTimeS, now?.repetitionTimeS],
      ['echo time (s)', before?.echoTimeS, now?.echoTimeS],
      ['inversion time (s)', before?.inversionTimeS, now?.inversionTimeS],
    ]),
    ...((before?.contrastAgent === undefined) === (now?.contrastAgent === undefined)
      ? []
      : ['contrast agent in one of them only']),
    ...differences([
      [
        'sequences',
        Object.keys(previous.inputs).join(', '),
        Object.keys(current.inputs).join(', '),
      ],
    ]),
  ];
  const method = differences([
    ['method', previous.settings.segmenter, current.settings.segmenter],
    ['model', modelOf(previous), modelOf(current)],
    ['version', previous.program.version, current.program.version],
    ['rule', stated(previous.settings.lesionRule), stated(current.settings.lesionRule)],
    [
      'settings',
      stated(previous.settings.segmenterSettings),
      stated(current.settings.segmenterSettings),
    ],
  ]);
  return [
    ...caution('scanner-changed', 'The scanner changed', scanner),
    ...caution('protocol-changed', 'The protocol changed', protocol),
    ...caution('method-changed', 'The lesions were found in different ways', method),
  ];
}

const caution = (code: Caution['code'], what: string, details: readonly string[]): Caution[] =>
  details.length > 0 ? [{ code, text: `${what}: ${details.join('; ')}.` }] : [];

const modelOf = ({ settings: { model } }: Findings) =>
  model ? `${model.name} ${model.version}` : 'none';

/** The same text whatever the order of the keys. */
const stated = (settings: object) =>
  Object.entries(settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

type Compared = readonly [name: string, before: unknown, now: unknown];

/** What both exams state, and differently; numbers may differ by their rounding. */
function differences(compared: readonly Compared[]): string[] {
  return compared
    .filter(([, before, now]) => before !== undefined && now !== undefined)
    .filter(([, before, now]) =>
      typeof before === 'number' && typeof now === 'number'
        ? Math.abs(before - now) > 0.02 * Math.max(before, now)
        : before !== now,
    )
    .map(([name, before, now]) => `${name} ${before}, then ${now}`);
}

function voxelDifference(previous: Findings, current: Findings): string[] {
  const [before, now] = [previous, current].map(({ inputs }) => inputs.flair.voxelSizeMm);
  const sorted = (sizes: readonly number[]) => sizes.toSorted((a, b) => a - b);
  const differs = sorted(before).some(
    (mm, at) => Math.abs(mm - sorted(now)[at]) > leastSizeDifference * mm,
  );
  const shown = (sizes: readonly number[]) => sizes.map((mm) => mm.toFixed(2)).join(' x ');
  return differs ? [`voxels of the FLAIR ${shown(before)} mm, then ${shown(now)} mm`] : [];
}
