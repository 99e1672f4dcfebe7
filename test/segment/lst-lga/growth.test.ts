import { describe, expect, it } from 'vitest';
import type { Beliefs } from '../../../src/segment/lst-lga/beliefs.js';
import { findSeeds, growLesions, tidyLesions } from '../../../src/segment/lst-lga/growth.js';
import { identity } from '../../../src/volume/affine.js';
import { seededRandom } from '../../../src/volume/random.js';
import { countNonZero, onGrid, type Size, type Volume } from '../../../src/volume/volume.js';

const size: Size = [16, 16, 16];
const grid = { size, affine: identity };
const volumeOf = (value: (x: number, y: number, z: number) => number): Volume<Float32Array> =>
  onGrid(
    grid,
    Float32Array.from({ length: 4096 }, (_, at) => value(at % 16, (at >> 4) % 16, at >> 8)),
  );
const inBox = (from: number, to: number) => (x: number, y: number, z: number) =>
  [x, y, z].every((at) => at >= from && at <= to);
const maskOf = (belongs: (x: number, y: number, z: number) => boolean) =>
  Uint8Array.from(volumeOf((x, y, z) => (belongs(x, y, z) ? 1 : 0)).data);

describe('findSeeds', () => {
  it('asks that the belief times the mean of the six neighbours exceeds kappa', () => {
    const cube = inBox(5, 9);
    // At a face of the cube one neighbour of six is 0, at an edge two, at a corner three.
    const belief = volumeOf((x, y, z) => (cube(x, y, z) ? 0.6 : 0));
    expect(countNonZero(findSeeds(belief, 0.29))).toBe(125 - 8 - 36 - 54 + 54);
    expect(countNonZero(findSeeds(belief, 0.31))).toBe(27);
    expect(countNonZero(findSeeds(belief, 0.37))).toBe(0);
  });

  it('finds a subset with a higher kappa', () => {
    const random = seededRandom(3);
    const belief = volumeOf((x, y, z) => (inBox(1, 14)(x, y, z) ? 1.2 * random.uniform() : 0));
    const low = findSeeds(belief, 0.2);
    const high = findSeeds(belief, 0.5);
    expect(high.every((seed, at) => seed <= low[at])).toBe(true);
    expect(countNonZero(high)).toBeLessThan(countNonZero(low));
  });

  it('drops a seed with fewer than two neighbours that are seeds', () => {
    const pair = volumeOf((x, y, z) => (y === 8 && z === 8 && (x === 7 || x === 8) ? 3 : 0));
    expect(countNonZero(findSeeds(pair, 0.3))).toBe(0);
    const row = volumeOf((x, y, z) => (y === 8 && z === 8 && x >= 6 && x <= 8 ? 3 : 0));
    expect(countNonZero(findSeeds(row, 0.3))).toBe(1);
  });
});

describe('growLesions', () => {
  const random = seededRandom(1);
  const noise = volumeOf(() => 0.02 * random.normal());
  const lesion = inBox(4, 11);
  const flair = volumeOf((x, y, z) =>
    inBox(1, 14)(x, y, z) ? (lesion(x, y, z) ? 1.5 : 1) + noise.data[x + 16 * (y + 16 * z)] : 0,
  );
  const content = volumeOf((x, y, z) => (inBox(1, 14)(x, y, z) ? 2 : 0));
  const belief = (inLesion: number, around: number) =>
    volumeOf((x, y, z) => (lesion(x, y, z) ? inLesion : inBox(1, 14)(x, y, z) ? around : 0));
  const beliefs = (total: Volume<Float32Array>): Beliefs => ({
    flair,
    content,
    total,
    greyMatter: total,
    whiteMatter: total,
  });
  const seeds = maskOf(inBox(6, 8));

  it('fills the lesion around scattered seeds and stops at its border', () => {
    const scattered = maskOf((x, y, z) => lesion(x, y, z) && random.uniform() < 0.3);
    const grown = growLesions(beliefs(belief(0.4, 0.02)), scattered);
    const inside = maskOf(lesion);
    let missed = 0;
    let outside = 0;
    grown.data.forEach((value, at) => {
      if (inside[at] && value < 0.5) missed++;
      if (!inside[at] && value >= 0.5) outside++;
    });
    expect(outside).toBe(0);
    expect(missed).toBeLessThan(0.05 * 512);
  });

  it('does not grow from a flat face, where a voxel has one lesion neighbour only', () => {
    const grown = growLesions(beliefs(belief(0.4, 0.02)), seeds);
    expect(countNonZero(grown.data)).toBe(27);
  });

  it('keeps seeds at 1 and grows nowhere without belief', () => {
    const grown = growLesions(beliefs(belief(0, 0)), seeds);
    expect(grown.data).toEqual(Float32Array.from(seeds));
  });

  it('gives zeros without seeds', () => {
    const grown = growLesions(beliefs(belief(0.5, 0.1)), new Uint8Array(4096));
    expect(countNonZero(grown.data)).toBe(0);
  });
});

describe('tidyLesions', () => {
  const everywhere = onGrid(grid, maskOf(inBox(1, 14)));

  it('fills a hole and drops a voxel alone', () => {
    const cube = inBox(5, 8);
    const holed = volumeOf((x, y, z) =>
      cube(x, y, z)
        ? x === 6 && y === 6 && z === 6
          ? 0
          : 1
        : x === 12 && y === 12 && z === 12
          ? 1
          : 0,
    );
    const tidy = tidyLesions(holed, everywhere);
    expect(countNonZero(tidy.data)).toBe(64);
    expect(tidy.data[6 + 16 * (6 + 16 * 6)]).toBe(1);
  });

  it('keeps probabilities that are neither', () => {
    const faint = volumeOf((x, y, z) => (inBox(5, 6)(x, y, z) ? 0.4 : 0));
    expect(tidyLesions(faint, everywhere).data).toEqual(faint.data);
  });
});
