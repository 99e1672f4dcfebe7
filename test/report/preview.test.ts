import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { previewFiles, previewResult } from '../../src/report/preview.js';
import { onGrid } from '../../src/volume/volume.js';
import { drawnExam } from '../support/report-exam.js';

const centreMm = [30, -20, 10] as const;
const exam = drawnExam({
  size: [90, 108, 30],
  voxelMm: [2, 2, 5],
  blobs: [{ centreMm, radiusMm: 6 }],
});
const { flair, lesions, brain } = exam;
const files = previewFiles(flair, lesions, brain);
const description = JSON.parse(Buffer.from(files.get('preview.json')!).toString());
const isRim = (data: ArrayLike<number>, pixel: number) =>
  data[3 * pixel] === 255 && data[3 * pixel + 1] === 212 && data[3 * pixel + 2] === 0;

const fitsSchema = (document: unknown) => {
  const schema = new URL('../../schemas/preview-1.schema.json', import.meta.url);
  const ajv = new Ajv2020();
  return [ajv.validate(JSON.parse(readFileSync(schema, 'utf8')), document), ajv.errorsText()];
};

describe('the preview', () => {
  it('has every slice at its own pixels, under names of its kind', () => {
    expect(files.size).toBe(flair.size[2] + 1);
    for (const name of files.keys()) expect(name).toMatch(previewResult.names);
    const { width, height, channels } = decode(files.get('slice-001.png')!);
    expect([width, height, channels]).toEqual([flair.size[0], flair.size[1], 3]);
  });

  it('places every pixel in space as DICOM does: rims lie around the lesion', () => {
    const { imageOrientationLps: direction, pixelSpacingMm } = description;
    const points: number[][] = [];
    for (const { file, imagePositionLpsMm } of description.slices) {
      const { data, width, height } = decode(files.get(file)!);
      for (let pixel = 0; pixel < width * height; pixel++) {
        if (!isRim(data, pixel)) continue;
        const [column, row] = [pixel % width, Math.floor(pixel / width)];
        points.push(
          imagePositionLpsMm.map(
            (start: number, axis: number) =>
              start +
              direction[axis] * pixelSpacingMm[1] * column +
              direction[3 + axis] * pixelSpacingMm[0] * row,
          ),
        );
      }
    }
    expect(points.length).toBeGreaterThan(10);
    const mean = [0, 1, 2].map(
      (axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length,
    );
    const [x, y, z] = exam.findings.lesions[0].centroidMm;
    for (const [axis, expected] of [-x, -y, z].entries()) {
      expect(Math.abs(mean[axis] - expected)).toBeLessThan(2.5);
    }
  });

  it('leaves the pixels of lesions as they are', () => {
    const middle = description.slices.findIndex(
      ({ imagePositionLpsMm }: { imagePositionLpsMm: number[] }) =>
        Math.abs(imagePositionLpsMm[2] - centreMm[2]) <= 2.5,
    );
    const { data, width } = decode(files.get(description.slices[middle].file)!);
    const column = Math.round((89 - centreMm[0]) / 2);
    const row = Math.round((107 - centreMm[1]) / 2);
    const pixel = row * width + column;
    expect(data[3 * pixel]).toBe(data[3 * pixel + 1]);
  });

  it('shows slices in the plane in which they were acquired', () => {
    const sagittal = drawnExam({ size: [30, 90, 90], voxelMm: [5, 2, 2] });
    const shown = previewFiles(sagittal.flair, sagittal.lesions, sagittal.brain);
    const { plane, slices } = JSON.parse(Buffer.from(shown.get('preview.json')!).toString());
    expect([plane, slices.length]).toEqual(['sagittal', 30]);
  });
});

describe('the preview of an exam without an earlier one', () => {
  it('has the bytes that it always had', () => {
    const hash = createHash('sha256');
    for (const [name, bytes] of files) hash.update(name).update(bytes);
    expect(hash.digest('hex')).toBe(
      'b07713817d20de94674591f781591190ab3bf61b39dd1ab7874a45dd4e05eaab',
    );
    expect(fitsSchema(description)).toEqual([true, 'No errors']);
  });
});

describe('the preview of an exam with an earlier one', () => {
  const blobs = {
    new: { centreMm: [30, -20, 10], radiusMm: 6 },
    stable: { centreMm: [-30, -20, 10], radiusMm: 8 },
    disappeared: { centreMm: [-30, 30, 10], radiusMm: 8 },
  } as const;
  const numbers = { new: 1, disappeared: 4, stable: 5 } as const;
  type Shown = keyof typeof blobs;
  const size = [90, 108, 30] as const;
  const drawn = (names: readonly Shown[]) =>
    drawnExam({ size, voxelMm: [2, 2, 5], blobs: names.map((name) => blobs[name]) });
  const now = drawn(['new', 'stable']);
  const data = new Uint8Array(now.flair.data.length);
  for (const name of ['new', 'stable', 'disappeared'] as const) {
    drawn([name]).lesions.data.forEach((value, voxel) => {
      if (value !== 0) data[voxel] = numbers[name];
    });
  }
  const map = onGrid(now.flair, data);
  const shown = (language: 'en' | 'da') =>
    previewFiles(now.flair, now.lesions, now.brain, { map, language });
  const files = shown('en');
  const document = JSON.parse(Buffer.from(files.get('preview.json')!).toString());

  /** Numbers of the change in the slice at 10 mm, as its picture shows it: its right is on the left. */
  const index = Math.round((10 + ((size[2] - 1) / 2) * 5) / 5);
  const picture = decode(files.get(document.slices[index].file)!);
  const colourAt = (column: number, row: number) => [
    ...picture.data.subarray(
      3 * (row * picture.width + column),
      3 * (row * picture.width + column) + 3,
    ),
  ];
  const numberAt = (column: number, row: number) =>
    data[size[0] - 1 - column + size[0] * (size[1] - 1 - row + size[1] * index)];
  const touches = (column: number, row: number, number: number) =>
    [
      [-1, 0],
      [1, 0],
      [0, -1],
      [0, 1],
    ].some(([x, y]) => numberAt(column + x, row + y) === number);
  /** Colours of the pixels around a lesion, and of its own. */
  const around = (name: Shown) => {
    const rim: number[][] = [];
    const own: number[][] = [];
    for (let row = 1; row < size[1] - 1; row++) {
      for (let column = 1; column < size[0] - 1; column++) {
        if (numberAt(column, row) === numbers[name]) own.push(colourAt(column, row));
        else if (touches(column, row, numbers[name])) rim.push(colourAt(column, row));
      }
    }
    return { rim, own };
  };
  const isGrey = ([red, green, blue]: number[]) => red === green && green === blue;

  it.each([
    ['new', [213, 94, 0]],
    ['stable', [240, 228, 66]],
  ] as const)('outlines a %s lesion in its colour, and leaves its pixels', (name, colour) => {
    const { rim, own } = around(name);
    expect(rim.length).toBeGreaterThan(10);
    for (const pixel of rim) expect(pixel).toEqual(colour);
    expect(own.every(isGrey)).toBe(true);
  });

  it('outlines what has gone where it was, with dashes', () => {
    const { rim, own } = around('disappeared');
    const green = rim.filter((pixel) => `${pixel}` === '0,158,115').length;
    expect(green).toBeGreaterThan(rim.length / 4);
    expect(green).toBeLessThan((3 * rim.length) / 4);
    expect(rim.filter((pixel) => !isGrey(pixel))).toHaveLength(green);
    expect(own.every(isGrey)).toBe(true);
  });

  it('has a legend on the right of every slice, whose own pixels are where they were', () => {
    const plain = previewFiles(now.flair, now.lesions, now.brain);
    const { slicePixels } = document.change;
    expect(slicePixels).toEqual([size[0], size[1]]);
    expect(picture.width).toBeGreaterThan(size[0]);
    const [first, last] = [document.slices[0], document.slices.at(-1)];
    const legends = [first, document.slices[index], last].map(({ file }) => {
      const { data, width, height } = decode(files.get(file)!);
      expect([width, height]).toEqual([picture.width, picture.height]);
      const rows = Array.from({ length: height }, (_, row) =>
        Buffer.from(data.subarray(3 * (row * width + size[0]), 3 * (row + 1) * width)),
      );
      return Buffer.concat(rows).toString('hex');
    });
    expect(new Set(legends).size).toBe(1);
    const [, before] = [first, decode(plain.get(first.file)!)];
    const here = decode(files.get(first.file)!);
    for (let row = 0; row < size[1]; row++) {
      const from = (width: number) => [3 * row * width, 3 * (row * width + size[0])] as const;
      expect(here.data.subarray(...from(here.width))).toEqual(
        before.data.subarray(...from(before.width)),
      );
    }
  });

  it('says the same in its description, in the words of the report', () => {
    expect(fitsSchema(document)).toEqual([true, 'No errors']);
    const { classes, dashed } = document.change;
    expect(dashed).toBe('Previous exam');
    expect(classes).toEqual([
      { class: 'new', text: 'new', colour: [213, 94, 0], mark: 'plus' },
      { class: 'disappeared', text: 'disappeared', colour: [0, 158, 115], mark: 'cross' },
      { class: 'stable', text: 'stable', colour: [240, 228, 66], mark: 'none' },
    ]);
    expect(document.slices[index].changeClasses).toEqual(['new', 'disappeared', 'stable']);
    expect(document.slices[0].changeClasses).toEqual([]);
    const danish = JSON.parse(Buffer.from(shown('da').get('preview.json')!).toString());
    expect(danish.change.classes[0].text).toBe('ny');
    // All that was there before is there still.
    const { change: _, slices, ...rest } = document;
    const plain = previewFiles(now.flair, now.lesions, now.brain).get('preview.json')!;
    const { slices: slicesBefore, ...before } = JSON.parse(Buffer.from(plain).toString());
    expect(rest).toEqual(before);
    expect(slices.map(({ changeClasses, ...slice }: { changeClasses: string[] }) => slice)).toEqual(
      slicesBefore,
    );
  });

  it('has no legend where neither exam has a lesion', () => {
    const none = drawnExam({ size, voxelMm: [2, 2, 5] });
    const change = {
      map: onGrid(none.flair, new Uint8Array(data.length)),
      language: 'en',
    } as const;
    const empty = previewFiles(none.flair, none.lesions, none.brain, change);
    expect(decode(empty.get('slice-001.png')!).width).toBe(size[0]);
    const document = JSON.parse(Buffer.from(empty.get('preview.json')!).toString());
    expect(document.change.classes).toEqual([]);
    expect(fitsSchema(document)).toEqual([true, 'No errors']);
  });
});
