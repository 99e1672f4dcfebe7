import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SequenceName } from '../../../src/preprocess/exam.js';
import { type HeadAtlas, readHeadAtlas } from '../../../src/preprocess/head-atlas.js';
import {
  type CheckedExam,
  checkExam,
  measureSequence,
} from '../../../src/preprocess/quality/check-exam.js';
import { surelyLooksLike } from '../../../src/preprocess/quality/contrast.js';
import { identity, multiply } from '../../../src/volume/affine.js';
import { seededRandom } from '../../../src/volume/random.js';
import { reorient } from '../../../src/volume/reorient.js';
import { resample } from '../../../src/volume/resample.js';
import { countNonZero, onGrid, type Size, type Volume } from '../../../src/volume/volume.js';

/** Intensities of tissues as they are typical of the three sequences. */
const intensities = {
  flair: { white: 600, grey: 720, fluid: 120, around: 200 },
  t2: { white: 360, grey: 520, fluid: 950, around: 250 },
  t1: { white: 850, grey: 600, fluid: 200, around: 400 },
} as const;
type Intensities = Record<'white' | 'grey' | 'fluid' | 'around', number>;

let atlas: HeadAtlas;
let good: Record<SequenceName, Volume<Float32Array>>;
beforeAll(async () => {
  atlas = await readHeadAtlas();
  good = { flair: image('flair'), t2: image('t2'), t1: image('t1') };
});

/** A head in which every place of the atlas's grid has one of the tissues it has in some heads. */
function image(kind: SequenceName | Intensities, noise = 15): Volume<Float32Array> {
  const random = seededRandom(4);
  const { white, grey, fluid, around } = typeof kind === 'string' ? intensities[kind] : kind;
  return onGrid(
    atlas.image,
    atlas.image.data.map((brightness, voxel) => {
      const draw = random.uniform();
      const [wm, gm] = [atlas.wm.data[voxel], atlas.gm.data[voxel]];
      const brain = draw < wm ? white : draw < wm + gm ? grey : fluid;
      const tissue = atlas.brain.data[voxel] > 0.5 ? brain : brightness > 15 ? around : 0;
      return Math.abs(tissue + noise * random.normal());
    }),
  );
}

function examOf(images: { readonly [name in SequenceName]?: Volume }): CheckedExam {
  return {
    sequences: Object.entries(images).map(([name, volume]) => ({
      name: name as SequenceName,
      volume,
      referenceToSequence: identity,
    })),
    brain: onGrid(
      atlas.brain,
      Uint8Array.from(atlas.brain.data, (share) => (share > 0.5 ? 1 : 0)),
    ),
    tissuePriors: { gm: atlas.gm, wm: atlas.wm },
    atlasBrain: atlas.brain,
    referenceToAtlas: identity,
  };
}

/** What stands out, but for the atlas's voxels of 3 mm. */
const findingsOf = (exam: CheckedExam) =>
  checkExam(exam).filter(({ text }) => !text.includes('wide within its slices'));
const check = (images: Parameters<typeof examOf>[0]) => findingsOf(examOf(images));
const changed = (volume: Volume, change: (value: number, voxel: number) => number) =>
  onGrid(volume, Float32Array.from(volume.data, change));

/** The image without its first slices along the third axis. */
function withoutFirst(volume: Volume, slices: number): Volume {
  const [nx, ny, nz] = volume.size;
  return {
    data: volume.data.slice(nx * ny * slices),
    size: [nx, ny, nz - slices],
    affine: multiply(volume.affine, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, slices, 0, 0, 0, 1]),
  };
}

describe('checkExam', () => {
  it('finds nothing in a good exam', () => {
    expect(check(good)).toEqual([]);
  });

  it('says of each of two swapped sequences what it looks like', () => {
    const findings = check({ flair: good.t1, t2: good.t2, t1: good.flair });
    expect(findings.map(({ code, severity, sequence }) => [code, severity, sequence])).toEqual([
      ['wrong-sequence', 'severe', 'flair'],
      ['wrong-sequence', 'severe', 't1'],
    ]);
    expect(findings[0].text).toContain('The FLAIR looks like a T1');
    expect(findings[1].text).toContain('The T1 looks like a FLAIR');
  });

  it('is not sure of an image whose fluid is as dark as white matter, as in proton density', () => {
    const density = image({ ...intensities.t2, fluid: 340 }, 5);
    expect(check({ t2: density }).map(({ code, severity }) => [code, severity])).toEqual([
      ['unusual-contrast', 'warning'],
    ]);
  });

  it('measures what the field of view cuts off, and on which side', () => {
    const slices = 40;
    const cut = withoutFirst(good.flair, slices);
    const [nx, ny] = atlas.brain.size;
    const missing = countNonZero(
      Uint8Array.from(atlas.brain.data.subarray(0, nx * ny * slices), (share) =>
        share >= 0.5 ? 1 : 0,
      ),
    );
    const exam = examOf({ flair: cut });
    const { coverage } = measureSequence(exam.sequences[0], exam);
    expect(coverage.missingMl).toEqual({ I: expect.closeTo((missing * 27) / 1000, 6) });
    const [finding] = findingsOf(exam);
    expect(finding).toMatchObject({ code: 'brain-cut-off', sequence: 'flair' });
    expect(finding.text).toContain('on its lower side');
  });

  it.each([
    [2, 'info'],
    [3, 'warning'],
    [4, 'severe'],
  ] as const)('judges slices %s times 3 mm apart: %s', (times, severity) => {
    const thick = resample(good.flair, {
      ...atlas.image,
      size: [atlas.image.size[0], atlas.image.size[1], Math.floor(atlas.image.size[2] / times)],
      affine: multiply(atlas.image.affine, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, times, 0, 0, 0, 0, 1]),
    });
    expect(check({ flair: thick })).toContainEqual(
      expect.objectContaining({ code: 'coarse-resolution', severity }),
    );
  });

  it.each([
    [60, 'warning'],
    [150, 'severe'],
  ] as const)('judges noise of %s in an image with a range of some 650: %s', (noise, severity) => {
    expect(check({ flair: image('flair', noise) })).toContainEqual(
      expect.objectContaining({ code: 'noise', severity }),
    );
  });

  it('sees ghosts beside the head', () => {
    const still = good.t2;
    const [nx, ny] = still.size;
    const half = Math.floor(ny / 2);
    const ghosted = still.data.map((value, voxel) => {
      const j = Math.floor(voxel / nx) % ny;
      return value + 0.15 * still.data[voxel + nx * (((j + half) % ny) - j)];
    });
    expect(check({ t2: onGrid(still, ghosted) })).toContainEqual(
      expect.objectContaining({ code: 'ghosting' }),
    );
  });

  it('sees intensities that were cut off', () => {
    expect(check({ t2: changed(good.t2, (value) => Math.min(value, 700)) })).toContainEqual(
      expect.objectContaining({ code: 'clipped', severity: 'severe' }),
    );
  });

  it.each([4095, 0])(
    'names slices that hold %s instead of an image, and no other fault',
    (value) => {
      const [nx, ny, nz] = good.flair.size;
      const middle = Math.floor(nz / 2);
      const spoilt = changed(good.flair, (own, voxel) => {
        const slice = Math.floor(voxel / (nx * ny));
        return slice === middle || slice === middle + 1 ? value : own;
      });
      const findings = check({ flair: spoilt }).filter(({ code }) => code !== 'ghosting');
      expect(findings).toMatchObject([
        { severity: 'severe', code: 'even-slices', sequence: 'flair' },
      ]);
      expect(findings[0].text).toMatch(
        /one value: [12] \([\d.]+ % of the brain\), the first of them slice \d+\./,
      );
    },
  );

  it('counts slices as pictures do, whichever way the file has them', () => {
    const [nx, ny, nz] = good.flair.size;
    const at = Math.floor(nz / 3);
    const spoilt = changed(good.flair, (own, voxel) =>
      Math.floor(voxel / (nx * ny)) === at ? 0 : own,
    );
    const said = (flair: Volume) => check({ flair }).find(({ code }) => code === 'even-slices');
    expect(said(spoilt)!.values!.first).toBe(at + 1);
    expect(said(reorient(spoilt, 'LPI'))!.values!.first).toBe(at + 1);
  });

  it.each([1e7, -1e6, 1e30])('names one voxel of %s, and measures all else as before', (value) => {
    const place = atlas.brain.data.indexOf(1);
    const spoilt = changed(good.flair, (own, voxel) => (voxel === place ? value : own));
    const findings = check({ flair: spoilt });
    expect(findings).toMatchObject([{ severity: 'warning', code: 'outliers', sequence: 'flair' }]);
    expect(findings[0].text).toContain('far beyond all others: 1. The brain uses 0.0');
    const [clean, other] = [good.flair, spoilt].map((flair) => {
      const exam = examOf({ flair });
      return measureSequence(exam.sequences[0], exam);
    });
    expect(other.contrast!.fluidOverWhite).toBeCloseTo(clean.contrast!.fluidOverWhite, 2);
    expect(other.signal!.rangeToNoise).toBeCloseTo(clean.signal!.rangeToNoise, 0);
    expect(other.ghostShare).toBeCloseTo(clean.ghostShare!, 2);
  });

  it('sees intensities that were cut off beside an outlier', () => {
    const cut = changed(good.t2, (value, voxel) => (voxel === 99 ? 1e6 : Math.min(value, 700)));
    expect(check({ t2: cut }).map(({ code }) => code)).toEqual(['clipped', 'outliers']);
  });

  it('takes an image of mean 0 for what it is, and says that it was normalised', () => {
    expect(
      check({ flair: changed(good.flair, (value) => (value - 600) / 100) }).map(
        ({ code, severity }) => [code, severity],
      ),
    ).toEqual([['negative-values', 'info']]);
  });

  it('warns of a brain of unusual size, unless the field of view explains it', () => {
    const few = (keep: (k: number) => boolean) => {
      const exam = examOf({ flair: good.flair });
      const [nx, ny] = exam.brain.size;
      const brain = onGrid(
        exam.brain,
        exam.brain.data.map((inside, voxel) => (keep(Math.floor(voxel / (nx * ny))) ? inside : 0)),
      );
      return { ...exam, brain };
    };
    const small = few((k) => k > 52);
    expect(checkExam(small).map(({ code }) => code)).toContain('brain-size');
    const [sequence] = small.sequences;
    const cut = {
      ...small,
      sequences: [{ ...sequence, volume: withoutFirst(sequence.volume, 53) }],
    };
    expect(checkExam(cut).map(({ code }) => code)).not.toContain('brain-size');
  });

  it.each([[[1, 1, 1]], [[64, 64, 1]], [[1, 64, 64]]] as [Size][])(
    'says of an image of %s voxels only what can be measured',
    (size) => {
      const tiny = resample(good.flair, { size, affine: atlas.image.affine });
      expect(() => check({ flair: tiny })).not.toThrow();
    },
  );
});

describe('the contrast between tissues', () => {
  it.each(['flair', 't2', 't1'] as const)('of a %s is known whatever its units', (kind) => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: -1000, max: 1000, noNaN: true }),
        (scale, shift) => {
          const exam = examOf({ flair: changed(good[kind], (value) => scale * value + shift) });
          const { contrast } = measureSequence(exam.sequences[0], exam);
          expect(surelyLooksLike(contrast!)).toBe(kind);
        },
      ),
      { numRuns: 3 },
    );
  });
});
