import { describe, expect, it } from 'vitest';
import { identity } from '../../src/volume/affine.js';
import { maskWhere, onesWhere } from '../../src/volume/volume.js';

describe('a mask of what passes a test', () => {
  it('is 1 there and 0 elsewhere; what is not a number passes no comparison', () => {
    expect(onesWhere(Float32Array.of(0.2, 0.5, Number.NaN, 0.7), (value) => value >= 0.5)).toEqual(
      Uint8Array.of(0, 1, 0, 1),
    );
  });

  it('lies on the grid of the volume, and the test knows which voxel it is asked about', () => {
    const volume = { data: Int16Array.of(-3, 0, 3, 9), size: [2, 2, 1], affine: identity } as const;
    const mask = maskWhere(volume, (value, voxel) => value > 0 && voxel < 3);
    expect(mask).toEqual({ ...volume, data: Uint8Array.of(0, 0, 1, 0) });
  });
});
