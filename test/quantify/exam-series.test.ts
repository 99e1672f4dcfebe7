import { describe, expect, it } from 'vitest';
import {
  comparisonCautions,
  inOrderOfTime,
  seriesCautions,
} from '../../src/quantify/exam-series.js';
import type { Findings } from '../../src/quantify/findings.js';
import { drawnExam } from '../support/report-exam.js';

const base = drawnExam().findings as Findings;
const exam = (description: Findings['exam'], changes: Partial<Findings> = {}) => ({
  findings: { ...base, exam: description, ...changes },
});
const on = (date: string) => exam({ patient: { id: 'A' }, date });
const codes = (exams: { findings: Findings }[]) =>
  seriesCautions(inOrderOfTime(exams), exams).map(({ code }) => code);

describe('a series of exams', () => {
  it('is sorted by date, and it is said when it was given otherwise', () => {
    const [late, early] = [on('2026-02-01'), on('2025-12-31')];
    expect(inOrderOfTime([late, early])).toEqual([early, late]);
    expect(codes([late, early])).toEqual(['dates-reversed']);
    expect(codes([early, late])).toEqual([]);
  });

  it('stays as given where a date is missing, and it is said', () => {
    const exams = [on('2026-02-01'), exam({ patient: { id: 'A' } })];
    expect(inOrderOfTime(exams)).toEqual(exams);
    expect(codes(exams)).toEqual(['dates-missing']);
  });

  it('with the same date twice is doubtful', () => {
    expect(codes([on('2026-02-01'), on('2026-02-01')])).toEqual(['dates-equal']);
  });

  it('of unknown patients is said to rest on the shape of the head', () => {
    const nobody = { findings: { ...base, exam: { date: '2026-01-01' } } };
    expect(codes([nobody, on('2026-02-01')])).toEqual(['patient-unknown']);
  });
});

describe('a comparison', () => {
  const compared = (before: { findings: Findings }, now: { findings: Findings }) =>
    comparisonCautions(before.findings, now.findings);

  it('of equal exams has no caution', () => {
    expect(compared(on('2025-01-01'), on('2026-01-01'))).toEqual([]);
  });

  it('names what changed in scanner and protocol', () => {
    const before = exam({
      scanner: { model: 'Avanto', fieldStrengthTesla: 1.5 },
      protocol: { sliceThicknessMm: 4 },
    });
    const now = exam({
      scanner: { model: 'Prisma', fieldStrengthTesla: 2.89 },
      protocol: { sliceThicknessMm: 1, contrastAgent: 'gadobutrol' },
    });
    expect(compared(before, now).map(({ code, text }) => ({ code, text }))).toEqual([
      {
        code: 'scanner-changed',
        text: 'The scanner changed: model Avanto, then Prisma; field strength (T) 1.5, then 2.89.',
      },
      {
        code: 'protocol-changed',
        text: 'The protocol changed: slice thickness (mm) 4, then 1; contrast agent in one of them only.',
      },
    ]);
  });

  it('does not take the rounding of a field strength for another scanner', () => {
    const at = (fieldStrengthTesla: number) => exam({ scanner: { fieldStrengthTesla } });
    expect(compared(at(3), at(2.9999))).toEqual([]);
  });

  it('names other voxels, whatever the order of the axes', () => {
    const { flair } = base.inputs;
    const [x, y, z] = flair.voxelSizeMm;
    const seen = (...voxelSizeMm: [number, number, number]) =>
      exam({}, { inputs: { ...base.inputs, flair: { ...flair, voxelSizeMm } } });
    expect(compared(seen(x, y, z), seen(z, x, y))).toEqual([]);
    expect(compared(seen(x, y, z), seen(x, y, 1.5 * z))).toMatchObject([
      { code: 'protocol-changed' },
    ]);
  });

  it('names another method, version or threshold', () => {
    const { settings, program } = base;
    const other = exam(undefined, {
      program: { ...program, version: '99.0.0' },
      settings: { ...settings, lesionRule: { ...settings.lesionRule, threshold: 0.123 } },
    });
    const [{ code, text }] = compared(exam(undefined), other);
    expect(code).toBe('method-changed');
    expect(text).toContain('99.0.0');
    expect(text).toContain('threshold 0.123');
  });
});
