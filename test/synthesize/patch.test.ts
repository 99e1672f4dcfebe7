import { beforeAll, describe, expect, it } from 'vitest';
import { renderAnatomy } from '../../src/synthesize/anatomy.js';
import type { Head } from '../../src/synthesize/head.js';
import type { LesionLibrary } from '../../src/synthesize/lesion-library.js';
import { renderPatch, samplePatch } from '../../src/synthesize/patch.js';
import { isFluid } from '../../src/synthesize/tissues.js';
import { seededRandom } from '../../src/volume/random.js';
import { countNonZero, type Size } from '../../src/volume/volume.js';
import { phantomHead, phantomLibrary } from './phantom.js';

let head: Head;
let library: LesionLibrary;
const size: Size = [32, 32, 32];

beforeAll(() => {
  head = phantomHead();
  library = phantomLibrary();
});

const sampled = (seed: number) => samplePatch(seededRandom(seed), head, library, 32);

describe('a training patch', () => {
  it('is the same for the same seed, also when its parameters went through JSON', () => {
    const parameters = sampled(1);
    const copy = JSON.parse(JSON.stringify(parameters));
    expect(renderPatch(copy, head, library, size)).toEqual(
      renderPatch(sampled(1), head, library, size),
    );
    expect(sampled(2)).not.toEqual(parameters);
  });

  it('has one image a sequence, finite and of its size, and the same truth for all', () => {
    let lesionVoxels = 0;
    for (let seed = 0; seed < 20; seed++) {
      const parameters = sampled(seed);
      const patch = renderPatch(parameters, head, library, size);
      expect(Object.keys(patch.images).sort()).toEqual(Object.keys(parameters.sequences).sort());
      for (const image of Object.values(patch.images)) {
        expect(image).toHaveLength(32 ** 3);
        expect(image.every(Number.isFinite)).toBe(true);
        expect(image.every((value, at) => patch.kept[at] === 1 || value === 0)).toBe(true);
      }
      const { truth, tissues } = patch;
      expect(truth.every((inLesion, at) => inLesion === 0 || isFluid[tissues[at]] === 0)).toBe(
        true,
      );
      lesionVoxels += countNonZero(patch.truth);
    }
    expect(lesionVoxels).toBeGreaterThan(500);
  });

  it('shows the same anatomy as a whole exam with the same parameters', () => {
    const parameters = sampled(3);
    const patch = renderPatch(parameters, head, library, size);
    const [x, y, z] = parameters.centreMm;
    const around = {
      size: [44, 40, 36] as Size,
      affine: [1, 0, 0, x - 15.5 - 6, 0, 1, 0, y - 15.5 - 4, 0, 0, 1, z - 15.5 - 2, 0, 0, 0, 1],
    } as const;
    const whole = renderAnatomy(around, head, parameters.geometry, parameters.lesions, library);
    for (let k = 0; k < 32; k++) {
      for (let j = 0; j < 32; j++) {
        const row = 6 + 44 * (4 + j + 40 * (2 + k));
        const to = 32 * (j + 32 * k);
        expect(patch.tissues.slice(to, to + 32)).toEqual(whole.tissues.slice(row, row + 32));
      }
    }
  });

  it('can have larger voxels: the same head, coarser', () => {
    const parameters = sampled(5);
    const fine = renderPatch(parameters, head, library, [33, 33, 33], 1);
    const coarse = renderPatch(parameters, head, library, [17, 17, 17], 2);
    for (let at = 0; at < 17; at++) {
      expect(coarse.tissues[at + 17 * (8 + 17 * 8)]).toBe(
        fine.tissues[2 * at + 33 * (16 + 33 * 16)],
      );
    }
  });

  it('is one of the head that it was drawn for', () => {
    expect(() => renderPatch({ ...sampled(1), head: 'another' }, head, library, size)).toThrow(
      RangeError,
    );
  });
});
