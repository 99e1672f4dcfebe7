import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../src/dicom/attributes.js';
import { exportResult, readDicomFolder } from '../../src/dicom/index.js';
import { parseDicom } from '../../src/dicom/parse.js';
import { tags } from '../../src/dicom/write/tags.js';
import { readVolume, writeNifti } from '../../src/formats/index.js';
import { type ChangeDocument, changeSchema, type LesionChange } from '../../src/quantify/change.js';
import { changeRule } from '../../src/quantify/classify-change.js';
import { notice } from '../../src/quantify/findings.js';
import { folderOf, named, runForTests } from '../support/dicom-folder.js';
import { groupsOf } from '../support/dicom-measurements.js';
import { reportBytes, resultOf } from '../support/dicom-result.js';
import { enhancedFile, type SeriesSpec, seriesFiles } from '../support/dicom-series.js';
import { syntaxOf } from '../support/dicom-writer.js';
import { drawnChange } from '../support/report-exam.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const run = runForTests();
/** Oblique, and with a number of pixels that is no multiple of eight. */
const flair: SeriesSpec = {
  number: 2,
  sequence: 'IR',
  tr: 9000,
  te: 100,
  ti: 2500,
  slices: 14,
  rows: 5,
  columns: 7,
  pixelMm: 20,
  elements: {
    '00080005': ['CS', 'ISO_IR 100'],
    '00080030': ['TM', '10:15:30'],
    '00080050': ['SH', 'A17'],
    '00081030': ['LO', 'MRI head'],
    '00100010': ['PN', Buffer.from('M\xfcller^Jane', 'latin1')],
    '00100030': ['DA', '1980.01.31'],
    '00100040': ['CS', '0000'],
    '00101010': ['AS', '46'],
    '00180050': ['DS', 4.5],
  },
};
const oblique: SeriesSpec = {
  ...flair,
  elements: { ...flair.elements, '00200037': ['DS', [0.6, 0.8, 0, -0.8, 0.6, 0]] },
};
/** No reflection leaves them as they are; the first is on two slices. */
const lesionVoxels = [
  [1, 1, 2],
  [2, 1, 2],
  [1, 1, 3],
  [5, 3, 9],
] as const;

const uid = '1.2.3.2';
const folderFor = (spec: SeriesSpec) => folderOf(named(seriesFiles(spec)));

async function exported(dicom: string, voxels: Parameters<typeof resultOf>[2] = lesionVoxels) {
  const result = await resultOf(dicom, uid, voxels, run);
  const out = join(temporaryFolder()(), 'out');
  const objects = await exportResult(result.folder, dicom, out, run);
  return { ...result, out, objects, read: (name: string) => parsed(join(out, `${name}.dcm`)) };
}

function parsed(file: string) {
  const bytes = readFileSync(file);
  const { attributes, pixelData, syntax } = parseDicom(bytes, file, { withPixels: true })!;
  const { dataOffset, length } = pixelData ?? { dataOffset: 0, length: 0 };
  return { attributes, syntax, pixels: bytes.subarray(dataOffset, dataOffset + length) };
}

const tag = (keyword: keyof typeof tags) => `x${tags[keyword][0]}`;
const items = (from: Attributes, keyword: keyof typeof tags) => from.items(tag(keyword));
const text = (from: Attributes, keyword: keyof typeof tags) => from.text(tag(keyword));

/** The mask of a segmentation: its frames laid at the slices that their references name. */
function maskOf(
  { attributes, pixels }: ReturnType<typeof parsed>,
  perSlice: number,
  slices: number,
) {
  const mask = new Uint8Array(perSlice * slices);
  let bit = 0;
  for (const frame of items(attributes, 'PerFrameFunctionalGroupsSequence')) {
    const [source] = items(items(frame, 'DerivationImageSequence')[0], 'SourceImageSequence');
    const slice = Number(text(source, 'ReferencedSOPInstanceUID')!.split('.').at(-1)) - 1;
    const segment = items(frame, 'SegmentIdentificationSequence')[0];
    const number = segment.unsignedShort(tag('ReferencedSegmentNumber'))!;
    for (let pixel = 0; pixel < perSlice; pixel++, bit++) {
      if ((pixels[bit >> 3] >> (bit & 7)) & 1) mask[slice * perSlice + pixel] = number;
    }
  }
  return mask;
}

describe('a result as DICOM', () => {
  it('is of the patient and the study of its source, in series of its own', async () => {
    const { out, objects } = await exported(folderFor(oblique));
    expect(objects.map(({ file }) => file)).toEqual([
      ...['lesions.dcm', 'each-lesion.dcm', 'measurements.dcm', 'report.dcm'],
      ...Array.from({ length: 14 }, (_, at) => `preview-${String(at + 1).padStart(3, '0')}.dcm`),
    ]);
    for (const { file, series, sopInstance } of objects) {
      const { attributes, syntax } = parsed(join(out, file));
      expect(syntax.name).toMatch(/explicit/i);
      expect(attributes.written('x00100010', 'PN')).toBe('Müller^Jane');
      expect(text(attributes, 'SOPInstanceUID')).toBe(sopInstance);
      expect(sopInstance).toMatch(/^2\.25\.[1-9]\d+$/);
      expect(text(attributes, 'SeriesInstanceUID')).toBe(series);
      expect(text(attributes, 'SeriesDescription')).toMatch(/not a medical device/);
      const same = {
        SpecificCharacterSet: 'ISO_IR 192',
        StudyInstanceUID: '1.2.3',
        StudyDate: '20260131',
        StudyTime: '101530',
        ContentDate: '20260131',
        AccessionNumber: 'A17',
        StudyDescription: 'MRI head',
        PatientID: 'P1',
        PatientBirthDate: '19800131',
        // What the standard does not allow is left empty.
        PatientSex: undefined,
        PatientAge: undefined,
      } as const;
      for (const [keyword, value] of Object.entries(same)) {
        expect([keyword, text(attributes, keyword as keyof typeof same)]).toEqual([keyword, value]);
      }
      expect(attributes.has(tag('PatientSex'))).toBe(true);
    }
    expect(new Set(objects.map(({ series }) => series)).size).toBe(5);
  });

  it('has the very mask on the grid of an oblique source', async () => {
    const { read, mask } = await exported(folderFor(oblique));
    const whole = read('lesions');
    expect(items(whole.attributes, 'PerFrameFunctionalGroupsSequence')).toHaveLength(14);
    expect(maskOf(whole, 35, 14)).toEqual(mask);
    const each = maskOf(read('each-lesion'), 35, 14);
    expect(each.map((value) => Math.min(value, 1))).toEqual(mask);
    expect(each[1 + 7 + 2 * 35]).toBe(1);
    expect(each[5 + 3 * 7 + 9 * 35]).toBe(2);
    expect(items(read('each-lesion').attributes, 'PerFrameFunctionalGroupsSequence')).toHaveLength(
      3,
    );
    const [shared] = items(whole.attributes, 'SharedFunctionalGroupsSequence');
    const plane = items(shared, 'PlaneOrientationSequence')[0];
    expect(plane.decimals(tag('ImageOrientationPatient'))).toEqual([0.6, 0.8, 0, -0.8, 0.6, 0]);
    const measures = items(shared, 'PixelMeasuresSequence')[0];
    expect(measures.decimal(tag('SpacingBetweenSlices'))).toBe(5);
    expect(measures.decimal(tag('SliceThickness'))).toBe(4.5);
    expect(text(whole.attributes, 'FrameOfReferenceUID')).toBe('1.2.3.99');
  });

  it('refers to the frames of an enhanced source, at their places', async () => {
    const dicom = folderOf({ image: enhancedFile({ ...flair, slices: 15 }) });
    const { read, mask } = await exported(dicom);
    const { attributes, pixels } = read('lesions');
    const frames = items(attributes, 'PerFrameFunctionalGroupsSequence');
    for (const [slice, frame] of frames.entries()) {
      const [source] = items(items(frame, 'DerivationImageSequence')[0], 'SourceImageSequence');
      expect((7 * (Number(text(source, 'ReferencedFrameNumber')) - 1)) % 15).toBe(slice);
    }
    const bits = mask.map((_, voxel) => (pixels[voxel >> 3] >> (voxel & 7)) & 1);
    expect(bits).toEqual(mask);
  });

  it('reports the numbers of the findings', async () => {
    const { read, findings } = await exported(folderFor(flair));
    const [all, ...lesions] = groupsOf(read('measurements').attributes);
    expect(all).toMatchObject({ label: 'All lesions', volumeMm3: 1000 * findings.lesionVolumeMl });
    expect(lesions).toMatchObject([
      { label: 'Lesion 1', site: 'Cerebral White Matter', region: 'Periventricular' },
      { label: 'Lesion 2', site: 'Brain', region: 'Infratentorial' },
    ]);
    expect(lesions.map(({ volumeMm3 }) => volumeMm3)).toEqual(
      findings.lesions.map(({ volumeMl }) => 1000 * volumeMl),
    );
    const segments = items(read('each-lesion').attributes, 'SegmentSequence');
    expect(lesions.map((lesion) => lesion.uid)).toEqual(
      segments.map((segment) => text(segment, 'TrackingUID')),
    );
  });

  it('holds the report to the byte, and previews that show the FLAIR at its place', async () => {
    const { read } = await exported(folderFor(oblique));
    const { attributes } = read('report');
    const { dataOffset } = attributes.elements[tag('EncapsulatedDocument')]!;
    const length = attributes.unsignedLong(tag('EncapsulatedDocumentLength'))!;
    expect(Buffer.from(attributes.bytes.subarray(dataOffset, dataOffset + length))).toEqual(
      reportBytes,
    );
    expect(text(attributes, 'Modality')).toBe('DOC');
    const preview = read('preview-003');
    expect(preview.attributes.decimals(tag('ImagePositionPatient'))).toEqual([-60, -60, -50]);
    expect(preview.attributes.texts(tag('PatientOrientation'))).toEqual(['P', 'R']);
    expect(preview.attributes.decimal(tag('InstanceNumber'))).toBe(3);
    const colour = (column: number, row: number) => [
      ...preview.pixels.subarray(3 * (column + 7 * row), 3 * (column + 7 * row) + 3),
    ];
    expect(colour(0, 1)).toEqual([255, 212, 0]);
    expect(new Set(colour(1, 1)).size).toBe(1);
  });

  it('is the same in every run, and another for another mask', async () => {
    const dicom = folderFor(flair);
    const [first, second] = [await exported(dicom), await exported(dicom)];
    for (const name of readdirSync(first.out)) {
      expect(readFileSync(join(first.out, name)).equals(readFileSync(join(second.out, name)))).toBe(
        true,
      );
    }
    const other = await exported(dicom, lesionVoxels.slice(0, 3));
    const uids = (which: typeof first) => which.objects.map(({ sopInstance }) => sopInstance);
    expect(uids(other)[0]).not.toBe(uids(first)[0]);
    expect(uids(other)[3]).toBe(uids(first)[3]);
  });

  it('without lesions has a segmentation of nothing and a report that says so', async () => {
    const { objects, read } = await exported(folderFor(flair), []);
    expect(objects.map(({ file }) => file)).not.toContain('each-lesion.dcm');
    expect(read('lesions').pixels.every((byte) => byte === 0)).toBe(true);
    expect(groupsOf(read('measurements').attributes)).toMatchObject([{ volumeMm3: 0 }]);
  });

  it('is never taken for an exam', async () => {
    const { out } = await exported(folderFor(flair));
    const { studies, remarks } = await readDicomFolder(out, run);
    expect(studies).toHaveLength(1);
    expect(remarks.map(({ code }) => code)).toEqual(['own-results']);
  });
});

describe('a result with what changed', () => {
  const goneUid = '2.25.12345';
  const grownUid = '2.25.67890';
  const changes: Parameters<typeof drawnChange>[0] = [
    {
      changeClass: 'new',
      previousIds: [],
      currentIds: [2],
      currentVolumeMl: 2,
      previousVolumeMl: 0,
    },
    {
      changeClass: 'enlarged',
      previousIds: [1, 3],
      currentIds: [1],
      currentVolumeMl: 6,
      previousVolumeMl: 3,
      trackingUid: grownUid,
    },
    {
      changeClass: 'disappeared',
      previousIds: [2],
      currentIds: [],
      currentVolumeMl: 0,
      previousVolumeMl: 1,
      trackingUid: goneUid,
    },
  ];

  const numbered = (lesion: LesionChange, at: number) => ({ ...lesion, seriesId: at + 1 });

  /** Writes a comparison beside a result, whose map is its mask with one place more. */
  async function compare({ folder, findings }: Awaited<ReturnType<typeof resultOf>>) {
    const { comparison } = drawnChange(changes);
    const { sha256: flairSha256, voxelSizeMm } = findings.inputs.flair;
    const { lesionCount, lesionVolumeMl, brainVolumeMl } = findings;
    const current = { flairSha256, voxelSizeMm, lesionCount, lesionVolumeMl, brainVolumeMl };
    const previous = { ...current, lesionCount: 3, exam: { date: '2025-01-31' } };
    const document: ChangeDocument = {
      ...{ ...changeSchema, notice, program: { name: 'dawson', version: '0.1.0' } },
      rule: changeRule,
      exams: [
        { folder: 'study 1.2.2', ...previous },
        { folder: 'study 1.2.3', ...current },
      ],
      consecutive: [{ ...comparison, lesions: comparison.lesions.map(numbered) }],
      ...{ sinceFirst: [], lesionsOverTime: [], leftOut: [], cautions: [] },
    };
    writeFileSync(join(folder, 'change.json'), JSON.stringify(document));
    const { volume } = await readVolume(join(folder, 'lesions.nii.gz'));
    const map = Uint8Array.from(volume.data, (value) => 2 * value);
    map[0] = 4;
    await writeNifti(join(folder, 'change.nii.gz'), { ...volume, data: map });
    return document;
  }

  it('names the class of each lesion, keeps its identifier, and shows it in a colour', async () => {
    const dicom = folderFor(flair);
    const result = await resultOf(dicom, uid, lesionVoxels, run);
    await compare(result);
    const out = join(temporaryFolder()(), 'out');
    await exportResult(result.folder, dicom, out, run);
    const [, first, second, gone] = groupsOf(parsed(join(out, 'measurements.dcm')).attributes);
    expect([first, second, gone]).toMatchObject([
      { label: 'Lesion 1', change: 'Increase in size', uid: grownUid },
      { label: 'Lesion 2', change: 'New' },
      { label: 'Lesion 2 of the exam before', change: 'Resolved', uid: goneUid },
    ]);
    expect(second.uid).not.toMatch(/^2\.25\.(12345|67890)$/);
    const segments = items(parsed(join(out, 'each-lesion.dcm')).attributes, 'SegmentSequence');
    expect(segments.map((segment) => text(segment, 'TrackingUID'))).toEqual([grownUid, second.uid]);
    const { attributes } = parsed(join(out, 'change-003.dcm'));
    expect(text(attributes, 'SeriesDescription')).toMatch(/^Dawson change preview/);
    expect(colourIn(join(out, 'change-003.dcm'), 0, 1)).toEqual([230, 159, 0]);
    expect(colourIn(join(out, 'change-001.dcm'), 1, 0)).toEqual([0, 158, 115]);
  });

  it('explains the colours beside each slice and in words, and leaves the plain preview alone', async () => {
    const dicom = folderFor(flair);
    const result = await resultOf(dicom, uid, lesionVoxels, run);
    const [before, out] = ['before', 'out'].map((name) => join(temporaryFolder()(), name));
    await exportResult(result.folder, dicom, before, run);
    await compare(result);
    await exportResult(result.folder, dicom, out, run);
    const names = readdirSync(before).filter((name) => name.startsWith('preview-'));
    expect(names).toHaveLength(14);
    for (const name of names) {
      expect(readFileSync(join(out, name)).equals(readFileSync(join(before, name)))).toBe(true);
    }
    const { attributes, pixels } = parsed(join(out, 'change-003.dcm'));
    const [rows, columns] = sizeIn(attributes);
    expect(columns).toBeGreaterThan(50);
    expect(pixels.length).toBe(3 * rows * columns + ((3 * rows * columns) % 2));
    // The slice is where it was: what lies beside it is beyond its last column.
    expect(attributes.decimals(tag('ImagePositionPatient'))).toEqual([-60, -60, -50]);
    expect(attributes.decimals(tag('PixelSpacing'))).toEqual([20, 20]);
    expect(text(attributes, 'BurnedInAnnotation')).toBe('NO');
    const said = text(attributes, 'ImageComments')!;
    expect(said).toMatch(/vermilion new, .*plus new, .*Dashed: in the previous exam only/);
    expect(said).not.toMatch(/M.ller|P1|2025|2026/);
  });

  it('has no letters without what tells whose it is, but words in the header', async () => {
    const dicom = folderFor(flair);
    const result = await resultOf(dicom, uid, lesionVoxels, run);
    await compare(result);
    const out = join(temporaryFolder()(), 'out');
    await exportResult(result.folder, dicom, out, run, { deidentify: true });
    const { attributes } = parsed(join(out, 'change-003.dcm'));
    expect(sizeIn(attributes)).toEqual([5, 7]);
    expect(colourIn(join(out, 'change-003.dcm'), 0, 1)).toEqual([230, 159, 0]);
    expect(text(attributes, 'ImageComments')).toMatch(/plus new/);
  });

  const sizeIn = (attributes: Attributes) =>
    (['Rows', 'Columns'] as const).map((keyword) => attributes.unsignedShort(tag(keyword))!);

  /** Colour of a pixel of a picture. */
  function colourIn(file: string, column: number, row: number) {
    const { attributes, pixels } = parsed(file);
    const at = 3 * (column + sizeIn(attributes)[1] * row);
    return [...pixels.subarray(at, at + 3)];
  }

  it('takes a comparison as older versions wrote it', async () => {
    const dicom = folderFor(flair);
    const result = await resultOf(dicom, uid, lesionVoxels, run);
    const { lesionsOverTime: _, ...document } = await compare(result);
    const { comparison } = drawnChange(changes);
    const older = { ...document, schemaVersion: 1, consecutive: [comparison] };
    writeFileSync(join(result.folder, 'change.json'), JSON.stringify(older));
    const out = join(temporaryFolder()(), 'out');
    await exportResult(result.folder, dicom, out, run);
    const groups = groupsOf(parsed(join(out, 'measurements.dcm')).attributes);
    expect(groups.map(({ change }) => change).slice(1)).toEqual([
      'Increase in size',
      'New',
      'Resolved',
    ]);
  });

  it('refuses a comparison of another exam, and one of lesions that no exam has', async () => {
    const dicom = folderFor(flair);
    const result = await resultOf(dicom, uid, lesionVoxels, run);
    const document = await compare(result);
    const file = join(result.folder, 'change.json');
    const refusal = (changed: object) => {
      writeFileSync(file, JSON.stringify({ ...document, ...changed }));
      const out = join(temporaryFolder()(), 'out');
      return exportResult(result.folder, dicom, out, run).catch((error: unknown) => error);
    };
    const [before, now] = document.exams;
    const other = { ...now, flairSha256: 'b4'.repeat(32) };
    expect(await refusal({ exams: [before, other] })).toMatchObject({ code: 'inputs-conflict' });
    const [comparison] = document.consecutive;
    const lesions = [{ ...comparison.lesions[0], currentIds: [9] }];
    expect(await refusal({ consecutive: [{ ...comparison, lesions }] })).toMatchObject({
      code: 'file-corrupt',
    });
  });

  it.each([
    ['of no class', 0, 'inputs-conflict'],
    ['between two', 2.5, 'not-a-mask'],
    ['beyond the last', 7, 'not-a-mask'],
  ])('refuses a map of the change whose lesions have a number %s', async (_, number, code) => {
    const dicom = folderFor(flair);
    const result = await resultOf(dicom, uid, lesionVoxels, run);
    await compare(result);
    const { volume } = await readVolume(join(result.folder, 'lesions.nii.gz'));
    const data = Float32Array.from(volume.data, (value) => number * value);
    await writeNifti(join(result.folder, 'change.nii.gz'), { ...volume, data });
    const out = join(temporaryFolder()(), 'out');
    await expect(exportResult(result.folder, dicom, out, run)).rejects.toMatchObject({ code });
  });
});

describe('a result without what tells whose it is', () => {
  const secret: SeriesSpec = {
    ...oblique,
    elements: {
      ...oblique.elements,
      '0008103e': ['LO', 'flair of Jane'],
      '00081111': ['SQ', [{ '00081155': ['UI', '1.2.3.77'], '00100010': ['PN', 'Doe^Jane'] }]],
      '00090010': ['LO', 'SECRET'],
      '00091001': ['LO', 'Doe^Jane'],
      '00104000': ['LT', 'Jane Doe, seen 20260131'],
    },
  };
  const telling = /Jane|Doe|M.{1,2}ller|A17|SECRET|1980\.?01\.?31|20260131|(?<![\d.])1\.2\.3\./i;
  const filesIn = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(dcm|json)$/.test(name),
    );

  it.each<[string, Buffer[]]>([
    ['implicit', seriesFiles(secret, { syntax: syntaxOf.implicit, undefinedLengths: true })],
    ['big endian', seriesFiles(secret, { syntax: syntaxOf.bigEndian })],
    ['deflated', seriesFiles(secret, { syntax: syntaxOf.deflated })],
    ['enhanced', [enhancedFile({ ...secret, slices: 15 })]],
  ])('has the very images and lesions: %s', async (_name, files) => {
    const dicom = folderOf(named(files));
    const { folder, mask } = await resultOf(dicom, uid, lesionVoxels, run);
    const out = join(temporaryFolder()(), 'out');
    const objects = await exportResult(folder, dicom, out, run, { deidentify: true });
    const names = filesIn(out);
    expect(names.filter((name) => name.startsWith('exam'))).toHaveLength(files.length);
    for (const name of names) {
      const text = readFileSync(join(out, name), 'latin1');
      expect([name, telling.exec(text)?.[0]]).toEqual([name, undefined]);
      if (name.endsWith('.json')) continue;
      const { attributes } = parsed(join(out, name));
      expect(saidBy(attributes)).toEqual({ name: undefined, removed: 'YES', burnedIn: 'NO' });
    }
    expect(new Set(objects.map(({ sopInstance }) => sopInstance)).size).toBe(objects.length);
    // The images are those of the result: their voxels and places were compared when it was written.
    const { pixels } = parsed(join(out, 'lesions.dcm'));
    expect(mask.map((_, voxel) => (pixels[voxel >> 3] >> (voxel & 7)) & 1)).toEqual(mask);
  });

  it('is refused where texts are burned into the images', async () => {
    const spec = { ...flair, elements: { ...flair.elements, '00280301': ['CS', 'YES'] } } as const;
    const dicom = folderFor(spec);
    const { folder } = await resultOf(dicom, uid, lesionVoxels, run);
    const out = join(temporaryFolder()(), 'out');
    await expect(exportResult(folder, dicom, out, run, { deidentify: true })).rejects.toMatchObject(
      { code: 'unsupported-image' },
    );
    expect(() => readdirSync(out)).toThrow();
  });

  const saidBy = (attributes: Attributes) => ({
    name: attributes.written('x00100010', 'PN'),
    removed: text(attributes, 'PatientIdentityRemoved'),
    burnedIn: text(attributes, 'BurnedInAnnotation') ?? 'NO',
  });
});

describe('what is not exported', () => {
  const refusal = async (folder: string, dicom: string) => {
    const out = join(temporaryFolder()(), 'out');
    const error = await exportResult(folder, dicom, out, run).catch((error: unknown) => error);
    expect(() => readdirSync(out)).toThrow();
    return error;
  };

  it.each<[string, SeriesSpec, RegExp]>([
    ['another series', { ...flair, number: 3 }, /the series 1\.2\.3\.2 that the result is of/],
    ['another grid', { ...flair, stepMm: 6 }, /another grid/],
    [
      'other voxels',
      { ...flair, ofSlice: () => ({ '7fe00010': ['OW', Buffer.alloc(70, 3).fill(9, 0, 9)] }) },
      /other voxels/,
    ],
  ])('a result of %s', async (_name, spec, message) => {
    const { folder } = await resultOf(folderFor(flair), uid, lesionVoxels, run);
    expect(await refusal(folder, folderFor(spec))).toMatchObject({
      code: 'inputs-conflict',
      message: expect.stringMatching(message),
    });
  });

  it('a result of an image file, one without a report, one with another file in its place', async () => {
    const dicom = folderFor(flair);
    const { folder, findings } = await resultOf(dicom, uid, lesionVoxels, run);
    writeFileSync(join(folder, 'report.pdf'), 'no report');
    expect(await refusal(folder, dicom)).toMatchObject({ code: 'file-corrupt' });
    rmSync(join(folder, 'report.pdf'));
    expect(await refusal(folder, dicom)).toMatchObject({
      code: 'file-not-found',
      advice: expect.stringMatching(/--no-report/),
    });
    writeFileSync(join(folder, 'report.pdf'), reportBytes);
    const inputs = { flair: { ...findings.inputs.flair, seriesUid: undefined } };
    writeFileSync(join(folder, 'findings.json'), JSON.stringify({ ...findings, inputs }));
    expect(await refusal(folder, dicom)).toMatchObject({ code: 'inputs-conflict' });
  });

  it('a mask that is not of the findings', async () => {
    const dicom = folderFor(flair);
    const { folder, findings } = await resultOf(dicom, uid, lesionVoxels, run);
    const fewer = { ...findings, lesions: findings.lesions.slice(0, 1), lesionCount: 1 };
    writeFileSync(join(folder, 'findings.json'), JSON.stringify(fewer));
    expect(await refusal(folder, dicom)).toMatchObject({ code: 'inputs-conflict' });
  });
});
