import { DawsonError } from '../errors.js';
import { type Difference, type Remark, remark, type Word } from '../remarks.js';
import type { Findings } from './findings.js';

interface WithFindings {
  readonly findings: Findings;
}

const dateOf = ({ findings }: WithFindings) => findings.exam?.date;

/**
 * Makes sure that exams do not belong to different patients, as far as they say whose they are.
 * Names are not compared: they change, and are spelled in more than one way.
 * @throws DawsonError `inputs-conflict`, without the ids and the other folder: messages go into logs.
 */
export function requireSamePatient(
  exams: readonly (WithFindings & { readonly folder: string })[],
): void {
  const [first, ...others] = exams.filter(({ findings }) => findings.exam?.patient?.id);
  for (const { folder, findings } of others) {
    if (findings.exam!.patient!.id === first.findings.exam!.patient!.id) continue;
    throw new DawsonError('inputs-conflict', {
      file: folder,
      expected: 'an exam of the same patient as those before it',
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

export const leftOutCaution = (folder: string, reason: string): Remark =>
  remark('exam-left-out', { folder, reason });

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
): Remark[] {
  const cautions: Remark[] = [];
  if (ordered.some(({ findings }) => findings.exam?.patient?.id === undefined)) {
    cautions.push(remark('patient-unknown'));
  }
  const dates = ordered.map(dateOf);
  if (dates.some((date) => date === undefined)) cautions.push(remark('dates-missing'));
  else if (ordered.some((exam, at) => exam !== given[at])) cautions.push(remark('dates-reversed'));
  const date = dates.find((date, at) => date !== undefined && dates.indexOf(date) < at);
  if (date !== undefined) cautions.push(remark('dates-equal', { date }));
  return cautions;
}

/** Voxel sizes and slice thicknesses differ from this share on. */
const leastSizeDifference = 0.1;

/** What differs in how two exams were taken and read, and may look like change of the lesions. */
export function comparisonCautions(previous: Findings, current: Findings): Remark[] {
  const [scannerBefore, scannerNow] = [previous.exam?.scanner, current.exam?.scanner];
  const scanner = differences([
    ['manufacturer', scannerBefore?.manufacturer, scannerNow?.manufacturer],
    ['model', scannerBefore?.model, scannerNow?.model],
    ['fieldStrength', scannerBefore?.fieldStrengthTesla, scannerNow?.fieldStrengthTesla],
  ]);
  const [before, now] = [previous.exam?.protocol, current.exam?.protocol];
  const protocol = [
    ...voxelDifference(previous, current),
    ...differences([
      ['sliceThickness', before?.sliceThicknessMm, now?.sliceThicknessMm],
      ['repetitionTime', before?.repetitionTimeS, now?.repetitionTimeS],
      ['echoTime', before?.echoTimeS, now?.echoTimeS],
      ['inversionTime', before?.inversionTimeS, now?.inversionTimeS],
    ]),
    ...((before?.contrastAgent === undefined) === (now?.contrastAgent === undefined)
      ? []
      : [{ what: 'contrastAgent' } as const]),
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
    ...caution('scanner-changed', scanner),
    ...caution('protocol-changed', protocol),
    ...caution('method-changed', method),
  ];
}

const caution = (
  code: 'scanner-changed' | 'protocol-changed' | 'method-changed',
  changes: readonly Difference[],
): Remark[] => (changes.length > 0 ? [remark(code, { changes })] : []);

const modelOf = ({ settings: { model } }: Findings) =>
  model ? `${model.name} ${model.version}` : 'none';

/** The same text whatever the order of the keys. */
const stated = (settings: object): string =>
  Object.entries(settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) =>
      typeof value === 'object' && value !== null ? `${key} (${stated(value)})` : `${key} ${value}`,
    )
    .join(', ');

type Stated = string | number | undefined;

/** What both exams state, and differently; numbers may differ by their rounding. */
function differences(
  compared: readonly (readonly [what: Word, before: Stated, now: Stated])[],
): Difference[] {
  return compared.flatMap(([what, before, now]) => {
    if (before === undefined || now === undefined) return [];
    const differ =
      typeof before === 'number' && typeof now === 'number'
        ? Math.abs(before - now) > 0.02 * Math.max(before, now)
        : before !== now;
    return differ ? [{ what, before, now }] : [];
  });
}

function voxelDifference(previous: Findings, current: Findings): Difference[] {
  const [before, now] = [previous, current].map(({ inputs }) => inputs.flair.voxelSizeMm);
  const sorted = (sizes: readonly number[]) => sizes.toSorted((a, b) => a - b);
  const differs = sorted(before).some(
    (mm, at) => Math.abs(mm - sorted(now)[at]) > leastSizeDifference * mm,
  );
  const shown = (sizes: readonly number[]) => `${sizes.map((mm) => mm.toFixed(2)).join(' x ')} mm`;
  return differs ? [{ what: 'voxels', before: shown(before), now: shown(now) }] : [];
}
