import { appendFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  openDicomExam,
  readDicomFolder,
  requireUnchanged,
  stackVolume,
} from '../../src/dicom/index.js';
import { readInstance } from '../../src/dicom/read-instance.js';
import { readVolume } from '../../src/formats/index.js';
import { dawson } from '../support/dawson.js';
import { folderOf, named, runForTests } from '../support/dicom-folder.js';
import { type SeriesSpec, seriesFiles, sliceElements } from '../support/dicom-series.js';
import { type DicomElements, dicomBytes, syntaxOf } from '../support/dicom-writer.js';
import { zipOf } from '../support/zip.js';

const run = runForTests();
const spec: SeriesSpec = { number: 3, slices: 5, rows: 3, columns: 4, pixelMm: 2, stepMm: 3 };
const flair: SeriesSpec = { number: 1, sequence: 'IR', tr: 9000, te: 100, ti: 2500 };

/** The remarks on a folder of a good series and one file more. */
async function remarksWith(bytes: Uint8Array) {
  const folder = await readDicomFolder(folderOf({ ...named(seriesFiles(spec)), odd: bytes }), run);
  expect(folder.studies[0].series[0].stacks[0].layout).toBeDefined();
  return folder.remarks;
}

/** A sequence in an item of a sequence, and so on, none of them ended. */
function nested(depth: number): Buffer {
  const head = dicomBytes({ '00080005': ['CS', 'ISO_IR 100'], '00080018': ['UI', '1.2.9'] });
  const open = [0xff, 0xff, 0xff, 0xff];
  const sequence = [8, 0, 0x40, 0x11, 0x53, 0x51, 0, 0, ...open];
  const level = Buffer.from([...sequence, 0xfe, 0xff, 0, 0xe0, ...open]);
  return Buffer.concat([head, ...Array<Buffer>(depth).fill(level)]);
}

describe('a file that is damaged or hostile is a remark that names it', () => {
  const good = dicomBytes(sliceElements(spec, 9));
  const withLength = (tag: Buffer, length: number) => {
    const bytes = Buffer.from(good);
    bytes.writeUInt16LE(length, bytes.indexOf(tag) + 6);
    return bytes;
  };

  it.each([
    [
      'a length that leads beyond the end',
      withLength(Buffer.from([0x10, 0, 0x10, 0, 0x50, 0x4e]), 0xfff0),
      /lengths that lead beyond/,
    ],
    ['sequences within sequences, without end', nested(20_000), /items that never end/],

    ['a million elements', hugeNumberOfElements(), /more than 1048576 elements/],
    ['deflated data that are damaged', damagedDeflate(), /lead beyond/],
    [
      'no identifier of the series',
      dicomBytes({ ...sliceElements(spec, 9), '0020000e': ['UI', ''] }),
      /Series Instance UID.*none/,
    ],
    [
      'a path for an identifier',
      dicomBytes({ ...sliceElements(spec, 9), '0020000e': ['UI', '../../etc/passwd'] }),
      /Series Instance UID.*another text/,
    ],
    [
      'an unknown transfer syntax',
      dicomBytes(sliceElements(spec, 9), { syntax: '1.2.3.4' }),
      /transfer syntax.*1\.2\.3\.4/,
    ],
  ])('%s', async (_name, bytes, found) => {
    const remarks = await remarksWith(bytes);
    expect(remarks).toEqual([
      expect.objectContaining({
        code: 'unreadable-file',
        file: expect.stringMatching(/odd$/),
        text: expect.stringMatching(found),
      }),
    ]);
    expect(JSON.stringify(remarks)).not.toMatch(/Doe|Jane|P1/);
  });

  it('a file that ends within a sequence makes its series unusable', async () => {
    const end = good.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0]));
    const open = Buffer.from([0x40, 0, 0x10, 0xa0, 0x53, 0x51, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    const files = {
      ...named(seriesFiles(spec)),
      odd: Buffer.concat([good.subarray(0, end), open]),
    };
    const { studies } = await readDicomFolder(folderOf(files), run);
    expect(studies[0].series[0].stacks[0].refusal).toMatchObject({
      file: expect.stringMatching(/odd$/),
      expected: 'pixel data',
    });
  });

  it('a bomb in deflate is not unpacked', () => {
    // More than 128 MiB of zeros in less than 256 KiB.
    const { '7fe00010': _pixels, ...elements } = sliceElements(spec, 9);
    const zeros = { ...elements, '7fe00010': ['OW', new Uint8Array(2 ** 27 + 2 ** 10)] } as const;
    const bytes = dicomBytes(zeros, { syntax: syntaxOf.deflated });
    expect(bytes.length).toBeLessThan(2 ** 18);
    expect(() => readInstance(bytes, { file: 'bomb', sizeBytes: bytes.length })).toThrow(
      expect.objectContaining({
        code: 'file-oversized',
        details: expect.objectContaining({ file: 'bomb' }),
      }),
    );
  });
});

function hugeNumberOfElements(): Buffer {
  const head = dicomBytes({ '00080005': ['CS', 'ISO_IR 100'], '00080018': ['UI', '1.2.9'] });
  const element = Buffer.from([9, 0, 1, 0x10, 0x4c, 0x4f, 0, 0]);
  return Buffer.concat([head, ...Array<Buffer>(1_500_000).fill(element)]);
}

function damagedDeflate(): Buffer {
  const bytes = dicomBytes(sliceElements(spec, 9), { syntax: syntaxOf.deflated });
  bytes.fill(0xee, bytes.length - 60, bytes.length - 30);
  return bytes;
}

describe('a folder', () => {
  it('may have any depth, other files, a DICOMDIR and zip files', async () => {
    const [first, second, ...rest] = seriesFiles(spec);
    const folder = folderOf({
      'a/b/c/1': first,
      'a/2.dcm': second,
      'more.zip': zipOf(named(rest, 'exam/deep/slice')),
      'readme.txt': 'not an image',
      DICOMDIR: dicomBytes({ '00080016': ['UI', '1.2.840.10008.1.3.10'], '00041220': ['SQ', []] }),
      '.hidden': first,
    });
    const { studies, others, remarks } = await readDicomFolder(folder, run);
    const [stack] = studies[0].series[0].stacks;
    expect(stack.layout?.size).toEqual([4, 3, 5]);
    const { volume } = await stackVolume(stack, run);
    expect(volume.data[4 * 12 + 1]).toBe(401);
    expect([others, remarks]).toEqual([2, []]);
  });

  it('may be one zip file; a damaged one is a remark', async () => {
    const zip = zipOf(named(seriesFiles(spec)));
    const whole = await readDicomFolder(join(folderOf({ 'exam.zip': zip }), 'exam.zip'), run);
    expect(whole.studies[0].series[0].stacks[0].layout).toBeDefined();
    const cut = folderOf({
      'cut.zip': zip.subarray(0, zip.length - 30),
      ...named(seriesFiles(spec)),
    });
    const { remarks } = await readDicomFolder(cut, run);
    expect(remarks).toEqual([
      expect.objectContaining({ code: 'unreadable-file', file: join(cut, 'cut.zip') }),
    ]);
  });

  it('is refused where nothing in it is DICOM', async () => {
    await expect(readDicomFolder(folderOf({ 'a.txt': 'text' }), run)).rejects.toMatchObject({
      code: 'not-an-image',
    });
    await expect(readDicomFolder(folderOf({}), run)).rejects.toMatchObject({
      code: 'not-an-image',
    });
    await expect(readDicomFolder('/nowhere/at/all', run)).rejects.toMatchObject({
      code: 'file-not-found',
    });
  });

  it('passes over copies, and says which files have the identifier of another', async () => {
    const files = seriesFiles(spec);
    const other = dicomBytes({ ...sliceElements(spec, 4), '00080018': ['UI', '1.2.3.3.1'] });
    const { studies, remarks } = await readDicomFolder(
      folderOf({ ...named(files), ...named(files, 'copy'), zz: other }),
      run,
    );
    expect(studies[0].series[0].instances).toHaveLength(5);
    expect(remarks.map(({ text }) => text)).toEqual([
      expect.stringMatching(/other content/),
      'copies of other files: 6 files',
    ]);
  });

  it('of two patients gives no exam, and does not say who they are', async () => {
    const folder = await readDicomFolder(
      folderOf({
        ...named(seriesFiles({ ...flair, patient: 'SECRET-1' })),
        ...named(seriesFiles({ ...flair, patient: 'SECRET-2', study: '1.2.4' }), 'second'),
      }),
      run,
    );
    expect(folder.remarks).toContainEqual(expect.objectContaining({ code: 'several-patients' }));
    expect(() => openDicomExam(folder, {}, run)).toThrow(
      expect.objectContaining({ code: 'inputs-conflict' }),
    );
    expect(openDicomExam(folder, { study: '1.2.4' }, run).study.uid).toBe('1.2.4');
    expect(JSON.stringify(folder)).not.toMatch(/SECRET|Jane/);
  });

  it('without a FLAIR gives no exam', async () => {
    const folder = await readDicomFolder(folderOf(named(seriesFiles(spec))), run);
    expect(() => openDicomExam(folder, {}, run)).toThrow(
      expect.objectContaining({ code: 'series-not-found' }),
    );
  });

  it('that still fills is not taken for whole', async () => {
    const path = folderOf(named(seriesFiles(spec)));
    const folder = await readDicomFolder(path, run);
    await expect(requireUnchanged(folder)).resolves.toBeUndefined();
    appendFileSync(join(path, 'image-000'), 'more');
    await expect(requireUnchanged(folder)).rejects.toMatchObject({ code: 'study-changing' });
    rmSync(join(path, 'image-001'));
    await expect(stackVolume(folder.studies[0].series[0].stacks[0], run)).rejects.toMatchObject({
      code: 'file-not-found',
    });
  });

  it('says where fewer images are there than headers name', async () => {
    const elements: DicomElements = { '00201002': ['IS', 12] };
    const { remarks } = await readDicomFolder(
      folderOf(named(seriesFiles({ ...spec, elements }))),
      run,
    );
    expect(remarks).toEqual([
      { code: 'incomplete-series', text: expect.stringMatching(/series 3 has 5 of the 12 images/) },
    ]);
  });
});

describe('the commands', () => {
  it('list hostile names without letting them steer the terminal', async () => {
    const description = '<script>alert(1)</script>\u001b[2J../../x';
    const folder = folderOf(named(seriesFiles({ ...flair, description })));
    const { stdout, exitCode } = await dawson(['dicom', 'list', folder]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/FLAIR <- 1 +FLAIR: <script>alert\(1\)<\/script> \[2J/);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toMatch(/Jane|P1\b/);
    const listed = JSON.parse((await dawson(['dicom', 'list', folder, '--json'])).stdout);
    expect(listed.studies[0].series[0]).toMatchObject({
      contrast: 'FLAIR',
      role: 'flair',
      kind: 'volume',
    });
  });

  it('convert a series', async () => {
    const field = { rows: 10, columns: 10, pixelMm: 20 };
    const folder = folderOf(named(seriesFiles({ ...flair, ...field })));
    const out = join(folderOf({}), 'flair.nii.gz');
    const args = ['dicom', 'convert', folder, '--series', '1.2.3.1', '--out', out, '--json'];
    const { stdout, exitCode } = await dawson(args);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).frames).toHaveLength(30);
    const { volume } = await readVolume(out);
    expect(volume.size).toEqual([10, 10, 30]);
    expect(volume.data[100 * 7 + 10 + 2]).toBe(712);
  });

  it.each([
    ['neither files nor a folder', [], /--flair with a file, or --dicom/],
    ['both', ['--flair', 'a.nii', '--dicom', 'b'], /either --dicom or files/],
    ['a study of files', ['--flair', 'a.nii', '--study', '1.2'], /without --dicom/],
  ])('segment says what it needs: %s', async (_name, args, found) => {
    const out = folderOf({});
    const { stderr, exitCode } = await dawson(['segment', ...args, '--out', join(out, 'result')]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(found);
    expect(readdirSync(out)).toEqual([]);
  });

  it('write nothing where a series cannot be converted', async () => {
    const folder = folderOf(named(seriesFiles({ ...spec, slices: 8 }).filter((_, at) => at !== 4)));
    const out = join(folderOf({}), 'flair.nii.gz');
    const gap = await dawson(['dicom', 'convert', folder, '--series', '1.2.3.3', '--out', out]);
    expect(gap.exitCode).toBe(3);
    expect(gap.stderr).toMatch(/image-004.*6.000 mm between/s);
    const unknown = await dawson(['dicom', 'convert', folder, '--series', '1.9', '--out', out]);
    expect(unknown.exitCode).toBe(4);
    expect(readdirSync(join(out, '..'))).toEqual([]);
  });
});
