import { describe, expect, it } from 'vitest';
import type { FoundLesion } from '../../src/quantify/findings.js';
import { lesionTable } from '../../src/quantify/lesion-table.js';

const lesion: FoundLesion = {
  id: 1,
  sizeVoxels: 3,
  volumeMl: 0.009,
  centroidMm: [1, 2, 3],
  extentMm: [1, 1, 3],
  boxVoxels: { first: [0, 0, 0], last: [0, 0, 2] },
  meanProbability: 0.75,
  maxProbability: 1,
};
const lastColumns = (table: string) =>
  table
    .trim()
    .split('\n')
    .map((row) => row.split(',').slice(-5));

describe('lesionTable', () => {
  it('says where a lesion lies and from which anatomy that is known', () => {
    const located: FoundLesion = {
      ...lesion,
      region: 'periventricular',
      side: 'left',
      distancesMm: { ventricles: 0, cortex: 12.345 },
    };
    expect(lastColumns(lesionTable([located], 'atlas'))).toEqual([
      ['region', 'side', 'ventricles_mm', 'cortex_mm', 'location_source'],
      ['periventricular', 'left', '0.00', '12.35', 'atlas'],
    ]);
  });

  it('leaves the columns of the location empty where it is not known', () => {
    expect(lastColumns(lesionTable([lesion]))[1]).toEqual(['', '', '', '', '']);
  });
});
