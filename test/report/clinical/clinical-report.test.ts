import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../../src/errors.js';
import { clinicalReport } from '../../../src/report/clinical/clinical-report.js';
import { fontsFor } from '../../../src/report/clinical/fonts.js';
import type { ReportInput } from '../../../src/report/clinical/report-input.js';
import { reportPictures } from '../../../src/report/clinical/report-pictures.js';
import { onGrid } from '../../../src/volume/volume.js';
import { drawnChange, drawnExam, scatteredBlobs } from '../../support/report-exam.js';

const plain = { previous: [], language: 'en', paper: 'a4' } as const;
const blobs = scatteredBlobs(9, (index) => 4 + index);

/** Metadata of a PDF/A is not compressed. */
const metadataOf = (pdf: Uint8Array) => Buffer.from(pdf).toString('latin1');
const pagesOf = (pdf: Uint8Array) => Number(/<xmpTPg:NPages>(\d+)</.exec(metadataOf(pdf))![1]);

function followUp(count: number): ReportInput {
  const exam = drawnExam({
    blobs: scatteredBlobs(count, () => 5),
    exam: { date: '2024-03-01' },
  });
  const previousExam = drawnExam({ exam: { date: '2023-03-01' } });
  const change = drawnChange(
    exam.findings.lesions.map(({ id, volumeMl }) => ({
      changeClass: 'new',
      currentIds: [id],
      previousIds: [],
      currentVolumeMl: volumeMl,
      previousVolumeMl: 0,
    })),
  );
  return { ...plain, exam, previous: [previousExam.findings], previousExam, change };
}

describe('the report', () => {
  it('is PDF/A-2b with the date of the exam, and the same bytes every time', async () => {
    const input = (): ReportInput => ({
      ...plain,
      exam: drawnExam({ blobs, exam: { date: '2024-03-01' } }),
    });
    const [first, second] = [await clinicalReport(input()), await clinicalReport(input())];
    expect(Buffer.compare(first.pdf, second.pdf)).toBe(0);
    expect(first.html).toBe(second.html);
    const metadata = metadataOf(first.pdf);
    expect(metadata).toContain('<pdfaid:part>2</pdfaid:part>');
    expect(metadata).toContain('<pdfaid:conformance>B</pdfaid:conformance>');
    expect(metadata).toContain('<xmp:CreateDate>2024-03-01T00:00:00Z<');
    expect(metadata.slice(0, 8)).toBe('%PDF-1.7');
    expect(pagesOf(first.pdf)).toBe(2);
  });

  it.each([
    ['a4', 'en'],
    ['letter', 'da'],
  ] as const)('has two pages on %s in %s at a follow-up', async (paper, language) => {
    const { pdf, html } = await clinicalReport({ ...followUp(4), paper, language });
    expect(pagesOf(pdf)).toBe(2);
    expect(html).toContain(`<html lang="${language}">`);
  });

  it('shows every new lesion, on more pages where there are many, and says what it leaves out', async () => {
    const { pairs, changedCount, shownChangedCount } = await reportPictures(followUp(60));
    expect([pairs.length, changedCount, shownChangedCount]).toEqual([48, 60, 48]);
    const { pairs: few } = await reportPictures(followUp(3));
    expect(few.map(({ heading }) => heading.slice(0, 13))).toEqual([
      'Lesion 1, new',
      'Lesion 2, new',
      'Lesion 3, new',
    ]);
  });

  it('lists what changed first, each with prior, current and difference', async () => {
    const input = followUp(2);
    const { flair } = input.exam;
    const difference = onGrid(flair, new Float32Array(flair.data.length).fill(1));
    const change = { ...input.change!, difference };
    const { changes, files } = await reportPictures({ ...input, change });
    expect(changes.count).toBe(2);
    expect(changes.candidates[0].heading).toMatch(/^1\. new, /);
    for (const name of changes.candidates.flatMap(({ pictures }) => pictures)) {
      expect(files.get(name)!.length).toBeGreaterThan(100);
    }
    const { pdf, html } = await clinicalReport({ ...input, change });
    expect(pagesOf(pdf)).toBe(2);
    expect(html.indexOf('Changes to confirm')).toBeLessThan(html.indexOf('Delineation examples'));
    expect(html.split('class="candidate"')).toHaveLength(3);
  });

  it('takes every text of an exam for text, in the PDF and on the page', async () => {
    const hostile = [
      '#import "@preview/x": *',
      '#panic("no")',
      '#read("/etc/passwd")',
      '</title></style><script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      '\\ \\" ` $x^2$ @ref <label> *b* _i_ // /* \u0000 \u202E',
    ];
    for (const text of hostile) {
      const exam = drawnExam({
        fileName: text,
        notes: [text],
        quality: [{ severity: 'warning', code: 'noise', text }],
        exam: {
          patient: { id: text, name: text, birthDate: text, sex: text },
          date: text,
          scanner: { manufacturer: text, model: text },
        },
      });
      const { pdf, html } = await clinicalReport({ ...plain, exam });
      expect(pagesOf(pdf)).toBeGreaterThan(0);
      expect(html).not.toMatch(/<script|<img src=x|<label>/);
      expect(html).not.toMatch(/(src|href)="(?!data:)/);
    }
  });

  it('is made on an exam without lesions, date, patient or regions', async () => {
    const { pdf, html } = await clinicalReport({
      ...plain,
      exam: drawnExam({ withRegions: false, notes: [] }),
    });
    expect(metadataOf(pdf)).toContain('<xmp:CreateDate>1970-01-01T00:00:00Z<');
    expect(html).toContain('No white-matter lesion was found.');
  });

  it('refuses a mask that is not that of the findings', async () => {
    const exam = drawnExam({ blobs });
    const { lesions } = drawnExam({ blobs: blobs.slice(2) });
    await expect(clinicalReport({ ...plain, exam: { ...exam, lesions } })).rejects.toThrow(
      DawsonError,
    );
  });
});

describe('the fonts of the report', () => {
  it('have the letters of European languages, and Chinese characters where they are needed', async () => {
    const european = await fontsFor('Åse Šćepánović Ñandú Żółć Ωmega Жук — → × ³ �');
    expect([european.fonts.length, european.missing.size]).toEqual([4, 0]);
    const chinese = await fontsFor('欧阳小明');
    expect(chinese.fonts.length).toBeGreaterThan(4);
    expect(chinese.missing.size).toBe(0);
  });

  it('say which characters no font has, and the report says it too', async () => {
    expect([...(await fontsFor('a𒀀')).missing]).toEqual(['𒀀']);
    const exam = drawnExam({ exam: { patient: { name: '𒀀' } } });
    await expect(clinicalReport({ ...plain, exam })).resolves.toBeDefined();
  });
});
