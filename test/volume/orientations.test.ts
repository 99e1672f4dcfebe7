import { readdirSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { readNifti } from '../../src/formats/index.js';
import { applyToPoint } from '../../src/volume/affine.js';
import { orientationOf, reorient } from '../../src/volume/reorient.js';
import { resample } from '../../src/volume/resample.js';
import type { Volume } from '../../src/volume/volume.js';
import { describeWithData, sharedData } from '../support/shared-data.js';
import { largestDifference } from './samples.js';

describeWithData('one head in 48 files, one for each orientation', () => {
  const folder = sharedData('orientations');
  let files: { orientation: string; volume: Volume }[];
  let reference: Volume;

  beforeAll(async () => {
    files = [];
    for (const file of readdirSync(folder)) {
      const { volume } = await readNifti(`${folder}/${file}`);
      files.push({ orientation: file.slice(0, 3), volume });
    }
    reference = files.find(({ orientation }) => orientation === 'RAS')?.volume as Volume;
  });

  it('are all there, each in the orientation that its name says', () => {
    expect(files.length).toBe(48);
    for (const { orientation, volume } of files) {
      expect(orientationOf(volume.affine)).toBe(orientation);
    }
  });

  it('become voxel-identical when reoriented to RAS', () => {
    for (const { volume } of files) {
      const turned = reorient(volume, 'RAS');
      expect(turned.size).toEqual(reference.size);
      expect(largestDifference(turned.data, reference.data)).toBe(0);
    }
  });

  it('agree in world coordinates to 0.00001 mm at all corners', () => {
    const [nx, ny, nz] = reference.size.map((n) => n - 1);
    for (const { volume } of files) {
      const turned = reorient(volume, 'RAS');
      for (const x of [0, nx])
        for (const y of [0, ny])
          for (const z of [0, nz]) {
            const there = applyToPoint(turned.affine, [x, y, z]);
            const expected = applyToPoint(reference.affine, [x, y, z]);
            expect(largestDifference(there, expected)).toBeLessThan(1e-5);
          }
    }
  });

  it('become identical when resampled onto the RAS file, too', () => {
    for (const { volume } of files) {
      const pulled = resample(volume, reference, { interpolation: 'cubic' });
      expect(largestDifference(pulled.data, reference.data)).toBe(0);
    }
  });

  it('come back to their own files when reoriented there and back', () => {
    for (const { orientation, volume } of files) {
      const back = reorient(reorient(volume, 'RAS'), orientation);
      expect(largestDifference(back.data, volume.data)).toBe(0);
      expect(largestDifference(back.affine, volume.affine)).toBeLessThan(1e-9);
    }
  });
});
