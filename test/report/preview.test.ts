import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { previewFiles, previewResult } from '../../src/report/preview.js';
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
