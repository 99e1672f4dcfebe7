import { describe, expect, it } from 'vitest';
import { acquiredPlane, outlinePath, type Slice } from '../../src/report/slice.js';
import type { Mat4 } from '../../src/volume/affine.js';

function slice(...rows: string[]): Slice {
  return {
    values: Float32Array.from(rows.join(''), Number),
    width: rows[0].length,
    height: rows.length,
    pixelWidthMm: 1,
    pixelHeightMm: 1,
  };
}
const outline = (...rows: string[]) => outlinePath(slice(...rows), 1, 1).replaceAll('.00', '');

describe('outlinePath', () => {
  it('is empty for an empty mask', () => {
    expect(outline('000', '000')).toBe('');
  });

  it('runs around a pixel in one closed loop', () => {
    expect(outline('000', '010', '000')).toBe('M1 1L2 1L2 2L1 2Z');
  });

  it('turns only at corners, and follows the border of the picture', () => {
    expect(outline('111', '111')).toBe('M0 0L3 0L3 2L0 2Z');
  });

  it('has loops of their own for pixels that touch by a corner', () => {
    expect(outline('10', '01')).toBe('M0 0L1 0L1 1L0 1ZM1 1L2 1L2 2L1 2Z');
    expect(outline('01', '10').match(/Z/g)).toHaveLength(2);
  });

  it('runs around holes too', () => {
    expect(outline('111', '101', '111').match(/Z/g)).toHaveLength(2);
  });

  it('has the length of the boundary, whatever the mask', () => {
    for (let bits = 1; bits < 512; bits++) {
      const text = bits.toString(2).padStart(9, '0');
      const rows = [text.slice(0, 3), text.slice(3, 6), text.slice(6)];
      expect(pathLength(outline(...rows)), text).toBe(boundaryLength(slice(...rows)));
    }
  });
});

function pathLength(path: string): number {
  let length = 0;
  for (const loop of path.split('Z').filter((part) => part !== '')) {
    const points = loop
      .slice(1)
      .split('L')
      .map((point) => point.split(' ').map(Number));
    for (const [index, [x, y]] of points.entries()) {
      const [nextX, nextY] = points[(index + 1) % points.length];
      length += Math.abs(nextX - x) + Math.abs(nextY - y);
    }
  }
  return length;
}

function boundaryLength({ values, width, height }: Slice): number {
  const at = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height ? values[y * width + x] : 0;
  let length = 0;
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      if (at(x, y) !== at(x - 1, y)) length++;
      if (at(x, y) !== at(x, y - 1)) length++;
    }
  }
  return length;
}

describe('acquiredPlane', () => {
  it.each([
    [[1, 1, 1], 'axial'],
    [[1, 1, 1.4], 'axial'],
    [[0.5, 0.5, 3], 'axial'],
    [[3, 0.9, 0.9], 'sagittal'],
    [[0.9, 4, 0.9], 'coronal'],
  ] as const)('of voxels of %j mm is %s', ([dx, dy, dz], plane) => {
    expect(acquiredPlane([dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0, 0, 0, 0, 1] as Mat4)).toBe(plane);
  });
});
