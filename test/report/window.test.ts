import { describe, expect, it } from 'vitest';
import { flairWindow } from '../../src/report/window.js';
import { seededRandom } from '../../src/volume/random.js';
import { onGrid, type Size } from '../../src/volume/volume.js';

const size: Size = [10, 10, 10];
const grid = { size, affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as const };
const random = seededRandom(6);
const values = Float32Array.from({ length: 1000 }, () => Math.round(300 + 60 * random.normal()));
const brain = onGrid(grid, new Uint8Array(1000).fill(1));
const windowOf = (change: (value: number, at: number) => number) =>
  flairWindow(onGrid(grid, values.map(change)), brain);
const { black, white } = windowOf((value) => value);

describe('flairWindow', () => {
  it('moves with what is added to the image, and scales with it', () => {
    const moved = windowOf((value) => 2 * value - 1024);
    expect(moved.black).toBeCloseTo(2 * black - 1024, 6);
    expect(moved.white).toBeCloseTo(2 * white - 1024, 6);
  });

  it.each([1e6, -1e6, 1e30])('is hardly moved by one voxel of %s', (value) => {
    const spoilt = windowOf((own, at) => (at === 500 ? value : own));
    expect(Math.abs(spoilt.black - black)).toBeLessThan(20);
    expect(Math.abs(spoilt.white - white)).toBeLessThan(20);
  });
});
