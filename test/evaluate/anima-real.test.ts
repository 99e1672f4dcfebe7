import { expect, it } from 'vitest';
import { readVolume } from '../../src/formats/index.js';
import { onGrid } from '../../src/volume/volume.js';
import { describeWithData, sharedData } from '../support/shared-data.js';
import { differences, evaluateCase, golden } from './anima-golden.js';
import { crop, pairOnMask } from './perturb.js';

describeWithData('the anima definition on real lesion masks', () => {
  const cases = golden('anima');
  const masks = [...new Set(cases.map(({ mask }) => mask))];

  it.each(masks)('equals animaSegPerfAnalyzer: %s', async (file) => {
    const { volume } = await readVolume(sharedData(file));
    const data = new Uint8Array(volume.data.length);
    for (let voxel = 0; voxel < data.length; voxel++) data[voxel] = volume.data[voxel] > 0 ? 1 : 0;
    const cropped = crop(onGrid(volume, data));
    for (const animaCase of cases.filter(({ mask }) => mask === file)) {
      const evaluation = evaluateCase(animaCase, ...pairOnMask(animaCase, cropped));
      expect(differences(animaCase, evaluation)).toEqual([]);
    }
  });

  it('covers at least 200 pairs, empty references and anisotropic voxels among them', () => {
    expect(cases.length).toBeGreaterThanOrEqual(200);
    expect(cases.filter(({ NbTestedLesions }) => NbTestedLesions !== undefined)).not.toEqual([]);
    expect(new Set(cases.map(({ spacingMm }) => spacingMm.join()))).toHaveProperty('size', 6);
  });
});
