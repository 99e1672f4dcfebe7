import { describe, expect, it } from 'vitest';
import { lesionLabels } from '../../src/quantify/lesion-labels.js';
import { drawnExam, scatteredBlobs } from '../support/report-exam.js';

const exam = drawnExam({ blobs: scatteredBlobs(7, (index) => 4 + (index % 3)) });
const { lesions, findings } = exam;

describe('lesionLabels', () => {
  it('gives every voxel the id of its lesion', () => {
    const { data } = lesionLabels(lesions, 26, findings.lesions);
    for (const { id, sizeVoxels, boxVoxels } of findings.lesions) {
      expect(data.filter((label) => label === id)).toHaveLength(sizeVoxels);
      const voxel = data.indexOf(id);
      const [nx, ny] = lesions.size;
      const index = [voxel % nx, Math.floor(voxel / nx) % ny, Math.floor(voxel / (nx * ny))];
      for (const axis of [0, 1, 2]) {
        expect(index[axis]).toBeGreaterThanOrEqual(boxVoxels.first[axis]);
        expect(index[axis]).toBeLessThanOrEqual(boxVoxels.last[axis]);
      }
    }
    expect(data.every((label, voxel) => (label === 0) === (lesions.data[voxel] === 0))).toBe(true);
  });

  it('refuses a list that is not that of the mask', () => {
    expect(() => lesionLabels(lesions, 26, findings.lesions.slice(1))).toThrow(/7 lesions/);
    const other = findings.lesions.map((lesion) => ({ ...lesion, sizeVoxels: 3 }));
    expect(() => lesionLabels(lesions, 26, other)).toThrow(/of other sizes/);
  });
});
