import { describe, expect, it } from 'vitest';
import { openDicomExam, readDicomFolder, readSiteRules } from '../../src/dicom/index.js';
import { type Remark, remarkIn } from '../../src/remarks.js';
import { folderOf, named, runForTests } from '../support/dicom-folder.js';
import { type SeriesSpec, seriesFiles } from '../support/dicom-series.js';
import { temporaryFile } from '../support/temporary-folder.js';

const run = runForTests();
const field = { rows: 10, columns: 10, pixelMm: 20 };
const flair: SeriesSpec = { ...field, number: 3, sequence: 'IR', tr: 9000, te: 100, ti: 2500 };
const t1: SeriesSpec = {
  ...field,
  number: 4,
  sequence: 'SE',
  tr: 550,
  te: 12,
  elements: { '0008103e': ['LO', 'T1'] },
};

async function examIn(...series: SeriesSpec[]) {
  const files = series.flatMap((spec, at) => Object.entries(named(seriesFiles(spec), `s${at}`)));
  return openDicomExam(await readDicomFolder(folderOf(Object.fromEntries(files)), run), {}, run);
}

const bytes = (text: string, encoding: BufferEncoding = 'latin1') => Buffer.from(text, encoding);

describe('the exam of a DICOM folder', () => {
  it('has its sequences as volumes, and says why each was chosen', async () => {
    const exam = await examIn(flair, t1);
    expect(exam.sequences).toEqual(['flair', 't1']);
    const { exam: read, notes } = await exam.read();
    expect(read.flair.volume.size).toEqual([10, 10, 30]);
    expect(read.flair.volume.data).toBeInstanceOf(Float32Array);
    expect(read.flair.file).toMatch(/series 1\.2\.3\.3$/);
    expect(read.t1?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(read.flair.seriesUid).toBe('1.2.3.3');
    expect(notes.map((note) => remarkIn(note as Remark, 'en'))).toEqual([
      'FLAIR: series 3 was chosen by its acquisition: inversion recovery, TR 9000, TE 100, TI 2500.',
      'T1: series 4 was chosen by its acquisition: spin echo, TR 550, TE 12.',
    ]);
    expect(remarkIn(notes[0] as Remark, 'da')).toBe(
      'FLAIR: serie 3 blev valgt ud fra optagelsen: inversion-recovery, TR 9000, TE 100, TI 2500.',
    );
  });

  it('has remarks on images that are not quite what was acquired', async () => {
    const elements = {
      '00280004': ['CS', 'MONOCHROME1'],
      '00282110': ['CS', '01'],
    } as const;
    const imageType = 'DERIVED\\SECONDARY\\M';
    const { notes } = await (await examIn({ ...flair, imageType, agent: 'Gd', elements })).read();
    expect(notes.map((note) => (note as Remark).code)).toEqual([
      'series-chosen',
      'series-reformatted',
      'after-contrast-agent',
      'lossy-compression',
      'inverted-brightness',
    ]);
  });

  it('is the newest of several studies', async () => {
    const older: SeriesSpec = {
      ...flair,
      study: '1.2.2',
      elements: { '00080020': ['DA', '20240101'] },
    };
    const exam = await examIn(older, flair);
    expect(exam.study.uid).toBe('1.2.3');
    expect((await exam.read()).notes[0]).toMatchObject({
      code: 'other-studies',
      values: { count: 1 },
    });
  });

  it('is described by the header of the FLAIR', async () => {
    const elements = {
      '00080022': ['DA', '2026.01.30'],
      '00080070': ['LO', 'SIEMENS'],
      '00081090': ['LO', 'Prisma'],
      '00100010': ['PN', 'Doe^Jane^^Dr='],
      '00100030': ['DA', '19800230'],
      '00100040': ['CS', 'F'],
      '00180010': ['LO', 'Gadovist'],
      '00180050': ['DS', 4],
      '00180087': ['DS', 15000],
      '00181030': ['LO', 't2_tirm\u0007_dark'],
    } as const;
    const exam = await examIn({ ...flair, elements });
    expect((await exam.describe()).description).toEqual({
      patient: { id: 'P1', name: 'Dr Jane Doe', sex: 'F' },
      date: '2026-01-30',
      scanner: { manufacturer: 'SIEMENS', model: 'Prisma', fieldStrengthTesla: 1.5 },
      protocol: {
        name: 't2_tirm _dark',
        sliceThicknessMm: 4,
        repetitionTimeS: 9,
        echoTimeS: 0.1,
        inversionTimeS: 2.5,
        contrastAgent: 'Gadovist',
      },
    });
    expect(await exam.describe({ patient: 'other' })).toMatchObject({
      description: { patient: { id: 'other' } },
    });
  });

  // Names of PS3.5, annexes H to J, and others.
  it.each([
    ['ISO_IR 192', bytes('Wang^XiaoDong=王^小东', 'utf8'), 'XiaoDong Wang'],
    ['ISO_IR 192', bytes('Müller^Jürgen', 'utf8'), 'Jürgen Müller'],
    ['ISO_IR 100', bytes('M\xfcller^J\xfcrgen'), 'Jürgen Müller'],
    ['ISO_IR 144', bytes('\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3'), 'Люкceмбypг'],
    ['ISO_IR 126', bytes('\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2'), 'Διονυσιος'],
    ['ISO_IR 13', bytes('\xd4\xcf\xc0\xde^\xc0\xdb\xb3'), 'ﾀﾛｳ ﾔﾏﾀﾞ'],
    ['GB18030', bytes('Wang^XiaoDong'), 'XiaoDong Wang'],
    ['\\ISO 2022 IR 149', bytes('\x1b$)C\xb1\xe8^\x1b$)C\xc8\xf1\xc1\xdf'), '희중 김'],
    ['\\ISO 2022 IR 87', bytes('\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B'), '太郎 山田'],
    ['NONSENSE', bytes('M\xfcller'), 'Müller'],
    ['ISO_IR 192', Buffer.from([0x41, 0xff, 0x42]), 'A�B'],
  ])('reads names in %s', async (characterSet, name, expected) => {
    const exam = await examIn({
      ...flair,
      slices: 30,
      elements: { '00080005': ['CS', characterSet], '00100010': ['PN', name] },
    });
    expect((await exam.describe()).description?.patient?.name).toBe(expected);
  });
});

describe('rules of a site', () => {
  const rules = {
    schema: 'dawson-dicom-rules',
    schemaVersion: 1,
    rules: [{ use: 't1', where: { seriesNumber: 4 } }],
  };

  it('are read from a file', async () => {
    expect(await readSiteRules(temporaryFile('rules.json', JSON.stringify(rules)))).toEqual(
      rules.rules,
    );
  });

  it.each([
    [
      'another sequence',
      { ...rules, rules: [{ use: 'pd', where: { seriesNumber: 4 } }] },
      /rules\/0\/use/,
    ],
    ['no condition', { ...rules, rules: [{ use: 't1', where: {} }] }, /rules\/0\/where/],
    [
      'a condition that nobody knows',
      { ...rules, rules: [{ use: 't1', where: { colour: 'red' } }] },
      /additional properties/,
    ],
    ['another version', { ...rules, schemaVersion: 2 }, /schemaVersion/],
  ])('are refused, and the place is named: %s', async (_name, value, found) => {
    await expect(
      readSiteRules(temporaryFile('rules.json', JSON.stringify(value))),
    ).rejects.toMatchObject({
      code: 'bad-rules',
      message: expect.stringMatching(found),
    });
  });
});
