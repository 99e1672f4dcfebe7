import { describe, expect, it } from 'vitest';
import { oneSidedFinding } from '../../src/quantify/one-sided.js';
import { identity, type Mat4 } from '../../src/volume/affine.js';
import { onesWhere, onGrid, type Size } from '../../src/volume/volume.js';

const size: Size = [80, 80, 40];
/** Voxels of 2 mm about the midplane. */
const affine: Mat4 = [2, 0, 0, -79, 0, 2, 0, -80, 0, 0, 2, -40, 0, 0, 0, 1];

/** Blocks of 1000 voxels, 8 ml each, that begin at these columns. */
function blocks(...columns: number[]) {
  const data = onesWhere(new Uint8Array(size[0] * size[1] * size[2]), (_, at) => {
    const [x, y, z] = [at % 80, Math.floor(at / 80) % 80, Math.floor(at / 6400)];
    return (
      y >= 20 &&
      y < 30 &&
      z >= 10 &&
      z < 20 &&
      columns.some((first) => x >= first && x < first + 10)
    );
  });
  return onGrid({ size, affine }, data);
}

describe('marks in one half of the brain', () => {
  it('are told, with their side and share', () => {
    const finding = oneSidedFinding(blocks(45, 57, 69, 20), identity);
    expect(finding).toMatchObject({ severity: 'warning', code: 'marks-unlike-ms' });
    expect(finding!.text).toMatch(
      /^Of the marked 32\.0 ml, 75 % lie in one half of the brain \(right\)/,
    );
    expect(oneSidedFinding(blocks(5), identity)!.text).toMatch(/100 % .*\(left\)/);
  });

  it('are counted from the midplane of the atlas', () => {
    const moved: Mat4 = [1, 0, 0, -60, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    expect(oneSidedFinding(blocks(45, 5), identity)).toBeUndefined();
    expect(oneSidedFinding(blocks(45, 5), moved)!.text).toMatch(/\(left\)/);
  });

  it('are nothing to tell of where they are few, or as many on the other side', () => {
    expect(oneSidedFinding(blocks(20, 45), identity)).toBeUndefined();
    expect(oneSidedFinding(blocks(), identity)).toBeUndefined();
    const small = blocks(5);
    const fewer = small.data.map((value, at) => (at % 80 < 8 ? value : 0));
    expect(oneSidedFinding(onGrid(small, fewer), identity)).toBeUndefined();
  });
});
