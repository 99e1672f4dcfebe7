import { describe, expect, it } from 'vitest';
import type { PairSensitivity } from '../../../src/quantify/change.js';
import { requireSamePatient } from '../../../src/quantify/exam-series.js';
import type { Language } from '../../../src/remarks.js';
import { remark } from '../../../src/remarks.js';
import { reportDocument } from '../../../src/report/clinical/document.js';
import { methodSection } from '../../../src/report/clinical/method.js';
import type { ReportInput } from '../../../src/report/clinical/report-input.js';
import type { ReportPictures } from '../../../src/report/clinical/report-pictures.js';
import { shownText } from '../../../src/report/clinical/shown-text.js';
import { phrasesIn } from '../../../src/report/clinical/texts.js';
import { drawnChange, drawnExam, scatteredBlobs } from '../../support/report-exam.js';

const noPictures: ReportPictures = {
  plane: 'axial',
  files: new Map(),
  overview: [],
  pairs: [],
  changedCount: 0,
  shownChangedCount: 0,
  changes: { candidates: [], count: 0 },
};
const documentOf = (input: ReportInput) => reportDocument(input, noPictures);
const plain = { previous: [], language: 'en', paper: 'a4' } as const;
const blobs = scatteredBlobs(4, (index) => 5 + index);
const on = (date: string, count = 4) =>
  drawnExam({ blobs: blobs.slice(0, count), exam: { date, patient: { id: '1' } } });

function change(classes: readonly ('new' | 'enlarged' | 'stable' | 'uncertain')[]) {
  return drawnChange(
    classes.map((changeClass, index) => ({
      changeClass,
      currentIds: [index + 1],
      previousIds: changeClass === 'new' ? [] : [index + 1],
      previousVolumeMl: changeClass === 'new' ? 0 : 0.5,
      currentVolumeMl: 1,
    })),
  );
}

/** All texts of a report whose pair of exams says how small a new lesion may be. */
function textsWith(language: Language, sensitivity: PairSensitivity): string[] {
  const previous = on('2023-03-01', 3);
  const drawn = change(['new']);
  const document = documentOf({
    ...{ ...plain, language, exam: on('2024-03-01'), previousExam: previous },
    previous: [previous.findings],
    change: { ...drawn, comparison: { ...drawn.comparison, sensitivity } },
  });
  return JSON.stringify(document).split('"');
}

describe('the conclusion', () => {
  it('says how many lesions there are, and that there is nothing to compare with', () => {
    const { conclusion } = documentOf({ ...plain, exam: on('2024-03-01') });
    expect(conclusion[0]).toMatch(/^4 white-matter lesions, \d+\.\d\d ml in all\.$/);
    expect(conclusion.at(-1)).toBe('Not compared with an earlier exam.');
  });

  it('says that there is none, and of one lesion that it is one', () => {
    expect(documentOf({ ...plain, exam: on('2024-03-01', 0) }).conclusion[0]).toBe(
      'No white-matter lesion was found.',
    );
    expect(documentOf({ ...plain, exam: on('2024-03-01', 1) }).conclusion[0]).toMatch(
      /^One white-matter lesion, /,
    );
  });

  it.each([
    [['new', 'enlarged', 'stable', 'uncertain'], '1 new, 1 enlarged, 1 uncertain'],
    [['new', 'new', 'stable', 'stable'], '2 new'],
    [['stable', 'stable', 'stable', 'stable'], 'no lesion new, enlarged, shrunken or gone'],
  ] as const)('counts what changed: %j', (classes, words) => {
    const previous = on('2023-03-01', 3);
    const { conclusion } = documentOf({
      ...plain,
      exam: on('2024-03-01'),
      previous: [previous.findings],
      previousExam: previous,
      change: change(classes),
    });
    expect(conclusion).toContain(`Since 2023-03-01: ${words}.`);
  });

  it.each([
    [
      'en',
      347,
      /^New lesions from about 350 mm³ on .* found: 1 of 4 of 60 mm³, 4 of 4 of 500 mm³\.$/,
    ],
    ['en', null, /^Also new lesions of 500 mm³ would often be missed/],
    ['da', 60, /^Nye læsioner fra omkring 60 mm³ .*: 1 af 4 på 60 mm³/],
  ] as const)('says how small a new lesion may be: %s %j', (language, seenFromMm3, words) => {
    const byVolume = [
      { volumeMm3: 60, painted: 4, found: 1 },
      { volumeMm3: 500, painted: 4, found: 4 },
    ];
    const texts = textsWith(language, { brightness: 2, byVolume, seenFromMm3 });
    expect(texts.filter((text) => words.test(text))).toHaveLength(1);
  });

  it.each([
    ['en', [], /^How small a new lesion may be .* is not known: /],
    ['da', [], /^Hvor lille en ny læsion kan være .*, vides ikke: /],
    ['en', [{ volumeMm3: 30, painted: 4, found: 1 }], /^Also new lesions of 30 mm³ would often be/],
  ] as const)(
    'says only of what was painted that it would be missed: %s %j',
    (language, byVolume, words) => {
      const texts = textsWith(language, { brightness: 2, byVolume, seenFromMm3: null });
      expect(texts.filter((text) => words.test(text))).toHaveLength(1);
    },
  );

  it('does not claim a comparison that was not made', () => {
    const previous = on('2023-03-01', 3);
    const { conclusion } = documentOf({
      ...plain,
      exam: on('2024-03-01'),
      previous: [previous.findings],
    });
    expect(conclusion.at(-1)).toBe('The exams were not compared lesion by lesion.');
  });

  it('speaks Danish', () => {
    const { conclusion, notice } = documentOf({
      ...plain,
      language: 'da',
      exam: on('2024-03-01', 0),
    });
    expect(conclusion[0]).toBe('Der blev ikke fundet læsioner i den hvide substans.');
    expect(notice).toContain('ikke medicinsk udstyr');
  });
});

describe('what a reader has to beware of', () => {
  const cautionsOf = (before: string | undefined, now: string | undefined) => {
    const dated = (date?: string) => drawnExam(date ? { exam: { date } } : {});
    return documentOf({
      ...plain,
      exam: dated(now),
      previous: [dated(before).findings],
    }).cautions;
  };

  it('is that dates are missing, reversed or the same', () => {
    expect(cautionsOf('2023-01-01', '2024-01-01')).toEqual([]);
    expect(cautionsOf(undefined, '2024-01-01')[0]).toContain('Not every exam has a date');
    expect(cautionsOf('2025-01-01', '2024-01-01')[0]).toContain('later than this one');
    expect(cautionsOf('2024-01-01', '2024-01-01')[0]).toContain('the same date');
  });

  it('is a severe finding on the images, with what was found', () => {
    const quality = [
      { severity: 'info', code: 'noise', text: 'fine' },
      { severity: 'severe', code: 'noise', text: 'very noisy' },
    ] as const;
    const { cautions, details } = documentOf({ ...plain, exam: drawnExam({ quality }) });
    expect(cautions[0]).toContain('Read with care');
    expect(details.flat()[0].items).toEqual(['Severe: very noisy', 'Note: fine']);
  });
});

describe('what is remarked about an exam', () => {
  it('is said in the language of the report', () => {
    const quality = [
      remark('noise', { label: 'FLAIR', rangeToNoise: 6.25 }, { severity: 'severe' }),
    ];
    const notes = [remark('sequence-missing', { label: 'T1' }), 'as an earlier version wrote it'];
    const { cautions, details } = documentOf({
      ...plain,
      exam: drawnExam({ quality, notes }),
      cautions: [remark('dates-equal', { date: '2024-01-01' })],
      language: 'da',
    });
    expect(cautions[1]).toContain('To undersøgelser har samme dato, 2024-01-01');
    expect(details.flat().flatMap(({ items }) => items ?? [])).toEqual([
      'Alvorlig: FLAIR er støjfyldt: hjernens intensiteter spænder over 6,3 gange støjen.',
      'T1 mangler: netværket arbejder uden.',
      'as an earlier version wrote it',
    ]);
  });
});

describe('what an exam does not say', () => {
  it('is said to be not given, and has no section', () => {
    const { identity, summary } = documentOf({ ...plain, exam: drawnExam({ withRegions: false }) });
    expect(Object.fromEntries(identity)).toMatchObject({
      Name: 'not given',
      'Patient ID': 'not given',
      Exam: 'not given',
      Scanner: 'not given',
      'Previous exam': 'none compared with',
    });
    expect(summary.flat().map(({ title }) => title)).toEqual(['Lesion load', 'Overview']);
  });

  it('is counted where it is too much', () => {
    const notes = Array.from({ length: 1000 }, (_, index) => `note ${index}`);
    const { details } = documentOf({ ...plain, exam: drawnExam({ notes }) });
    expect(details.flat()[0].items).toHaveLength(31);
    expect(details.flat()[0].items!.at(-1)).toBe('and 970 more');
  });
});

describe('texts from files', () => {
  it.each([
    ['  a\n\tb\u0000c ', 'a b c'],
    ['e\u0301', 'é'],
    ['abc\u202Edef\u2066', 'abcdef'],
    ['\uD800x', 'x'],
    ['<b>&"', '<b>&"'],
    [undefined, ''],
    [7, '7'],
  ])('%j are shown as %j', (given, shown) => {
    expect(shownText(given)).toBe(shown);
  });

  it('are cut where they are too long', () => {
    expect(shownText('å'.repeat(500))).toBe(`${'å'.repeat(119)}…`);
  });
});

describe('a series of exams', () => {
  it('belongs to one patient', () => {
    const of = (id: string | undefined) => ({
      folder: `of-${id}`,
      findings: drawnExam(id ? { exam: { patient: { id } } } : {}).findings,
    });
    expect(() => requireSamePatient([of('1'), of(undefined), of('1')])).not.toThrow();
    const different = () => requireSamePatient([of('Doe'), of('2')]);
    expect(different).toThrow(/another patient id/);
    // Folders are named for patients, and reasons go into tables.
    expect(different).not.toThrow(/Doe/);
  });
});

describe('the lesion rule', () => {
  const confidence = {
    intercept: 0,
    perLogOdds: 1,
    perLogVolume: 0,
    perLogMeanVolume: 0,
    minimum: 0.35,
  };
  it.each([
    [{ minimumVolumeMm3: 3 }, 'en', 'larger than 3 mm³'],
    [{ minimumVolumeMm3: 0 }, 'en', 'of any volume'],
    [{ minimumVolumeMm3: 0 }, 'da', 'uanset volumen'],
    [{ minimumPeak: 0.9 }, 'en', 'somewhere at least 0.90'],
    [{ confidence }, 'en', 'confidence at least 0.35'],
    [{ byClass: true }, 'en', 'the most probable class'],
    [{ keepLargest: true }, 'da', 'kun den største'],
  ] as const)('says what was asked of a lesion: %j, %s', (asked, language, words) => {
    const exam = on('2024-03-01');
    const { findings } = exam;
    const { settings } = findings;
    const lesionRule = { ...settings.lesionRule, ...asked };
    const section = methodSection(
      {
        ...plain,
        exam: { ...exam, findings: { ...findings, settings: { ...settings, lesionRule } } },
      },
      phrasesIn(language),
    );
    expect(JSON.stringify(section)).toMatch(new RegExp(`[" ]${words}[",]`));
  });
});
