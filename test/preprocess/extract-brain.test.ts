import { beforeAll, describe, expect, it } from 'vitest';
import { readTransform, readVolume } from '../../src/formats/index.js';
import { extractedBrain, looksBrainExtracted } from '../../src/preprocess/brain-extracted.js';
import { extractBrain } from '../../src/preprocess/extract-brain.js';
import { type HeadAtlas, readHeadAtlas } from '../../src/preprocess/head-atlas.js';
import { invert, type Mat4, multiply } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import { reorient } from '../../src/volume/reorient.js';
import { resample } from '../../src/volume/resample.js';
import { type Mask, onGrid, type Size, type Volume } from '../../src/volume/volume.js';
import { describeWithData, sharedData } from '../support/shared-data.js';
import { axialGrid, imageOf } from './phantom-head.js';

let atlas: HeadAtlas;
beforeAll(async () => {
  atlas = await readHeadAtlas();
});

const masked = (share: Volume, least: number) =>
  onGrid(
    share,
    Uint8Array.from(share.data, (value) => (value > least ? 1 : 0)),
  );

function dice(a: Mask, b: Volume): number {
  let [both, sum] = [0, 0];
  for (let voxel = 0; voxel < a.data.length; voxel++) {
    const inB = b.data[voxel] !== 0 ? 1 : 0;
    both += a.data[voxel] & inB;
    sum += a.data[voxel] + inB;
  }
  return (2 * both) / sum;
}

/** The atlas's head with noise, as a function of its brightness: any contrast. */
function head(contrast: (brightness: number) => number): Volume<Float32Array> {
  const random = seededRandom(5);
  return onGrid(
    atlas.image,
    atlas.image.data.map((value) => 1000 * contrast(value / 200) + 20 * random.normal()),
  );
}

describe('extractBrain', () => {
  it.each([
    ['T1', (brightness: number) => brightness],
    ['T2', (brightness: number) => (brightness < 0.05 ? 0 : 1.3 - brightness)],
  ])(
    'finds the brain of the mean head, drawn as %s, in any place and orientation',
    (_, contrast) => {
      const truth = masked(atlas.brain, 0.3);
      const turned: Mat4 = [0.98, -0.2, 0, 40, 0.2, 0.98, 0, -25, 0, 0, 1, 60, 0, 0, 0, 1];
      const volume = head(contrast);
      const moved = reorient({ ...volume, affine: multiply(turned, volume.affine) }, 'PIL');
      const brain = extractBrain(moved, atlas);
      expect(brain.size).toEqual(moved.size);
      const back = onGrid(truth, reorient(brain, 'RAS').data as Uint8Array);
      expect(dice(back, truth)).toBeGreaterThan(0.93);
    },
  );

  it('refuses noise', () => {
    const random = seededRandom(1);
    const noise = imageOf(
      () => 0,
      axialGrid(6, 6),
      () => random.normal(),
    );
    expect(() => extractBrain(noise, atlas)).toThrow(
      expect.objectContaining({ code: 'brain-not-found' }),
    );
  });

  it('refuses a phantom of one material', () => {
    const random = seededRandom(3);
    const radiiMm = [75, 92, 70];
    const phantom = imageOf(
      (point) => (Math.hypot(...point.map((mm, axis) => mm / radiiMm[axis])) < 1 ? 1000 : 0),
      axialGrid(4, 4),
      (tissue) => tissue + Math.abs(30 * random.normal()),
    );
    expect(() => extractBrain(phantom, atlas)).toThrow(
      expect.objectContaining({ code: 'brain-not-found' }),
    );
  });

  it.each([0.84, 1.2])('finds the brain of a head of %s times the mean size', (size) => {
    const scale: Mat4 = [size, 0, 0, 30, 0, size, 0, -20, 0, 0, size, 10, 0, 0, 0, 1];
    const volume = head((brightness) => brightness);
    const scaled = { ...volume, affine: multiply(scale, volume.affine) };
    const brain = extractBrain(scaled, atlas);
    expect(dice(brain, masked(atlas.brain, 0.3))).toBeGreaterThan(0.9);
  });

  it('refuses an image without contrast', () => {
    const flat = onGrid(atlas.image, new Float32Array(atlas.image.data.length).fill(7));
    expect(() => extractBrain(flat, atlas)).toThrow(
      expect.objectContaining({ code: 'bad-intensities' }),
    );
  });
});

describe('looksBrainExtracted', () => {
  it('tells the head from its brain cut out', () => {
    const volume = head((brightness) => brightness);
    const inBrain = masked(atlas.brain, 0.5).data;
    const cut = onGrid(
      volume,
      volume.data.map((value, voxel) => inBrain[voxel] * value),
    );
    expect(looksBrainExtracted(volume)).toBe(false);
    expect(looksBrainExtracted(cut)).toBe(true);
    const shifted = (image: Volume) =>
      onGrid(
        image,
        image.data.map((value) => value - 1024),
      );
    expect(looksBrainExtracted(shifted(volume))).toBe(false);
    expect(looksBrainExtracted(shifted(cut))).toBe(true);
  });

  it('takes holes of the cut-out brain for brain', () => {
    const size: Size = [9, 9, 9];
    const inside = (at: number) =>
      [at % 9, Math.floor(at / 9) % 9, Math.floor(at / 81)].every((n) => n > 0 && n < 8);
    const cut = (background: number) => {
      const data = Float32Array.from({ length: 729 }, (_, at) => (inside(at) ? 1 : background));
      data[4 + 9 * (4 + 9 * 4)] = background;
      return extractedBrain({ data, size, affine: atlas.image.affine }).data;
    };
    for (const background of [0, -4, 7]) {
      expect(cut(background).every((value, at) => value === (inside(at) ? 1 : 0))).toBe(true);
    }
  });
});

describeWithData('on real heads', () => {
  it('finds the brain of a tumour patient in thick slices: Dice above 0.92', async () => {
    const { volume } = await readVolume(sharedData('exams', 'tcga-fg-6692', 't2.nii.gz'));
    const truth = await readVolume(sharedData('exams', 'tcga-fg-6692', 't2-brain-hdbet.nii.gz'));
    expect(dice(extractBrain(volume, atlas), truth.volume)).toBeGreaterThan(0.92);
  });

  it('finds the brain in a FLAIR: Dice above 0.92 with the publisher’s mask', async () => {
    const exam = (...names: string[]) => sharedData('exams', 'open-ms-04', ...names);
    const { volume } = await readVolume(exam('study1', 'flair.nii.gz'));
    const common = await readVolume(exam('brain.nii.gz'));
    const toFlair = await readTransform(exam('study1', 'flair-to-common.txt'));
    const truth = resample(common.volume, volume, {
      toMoving: invert(toFlair),
      interpolation: 'nearest',
    });
    expect(dice(extractBrain(volume, atlas), truth)).toBeGreaterThan(0.92);
  });

  it('finds the same brain where the field of view cuts off its lower part', async () => {
    const { volume } = await readVolume(sharedData('exams', 'open-ms-04', 'study1', 't1.nii.gz'));
    const [nx, ny, nz] = volume.size;
    const first = 19;
    const upper = (whole: Volume): Volume => ({
      data: whole.data.slice(nx * ny * first),
      size: [nx, ny, nz - first],
      affine: multiply(whole.affine, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, first, 0, 0, 0, 1]),
    });
    const truth = upper(extractBrain(volume, atlas));
    expect(dice(extractBrain(upper(volume), atlas), truth)).toBeGreaterThan(0.98);
  });

  it.each([
    ['exams/open-ms-01/study1/flair.nii.gz', false],
    ['orientations/RAS.nii.gz', false],
    ['exams/tcga-fg-6692/t1c.nii.gz', false],
    ['lesions/open-ms-cs-07/flair.nii.gz', true],
  ])('recognises whether %s is brain-extracted', async (path, expected) => {
    const { volume } = await readVolume(sharedData(...path.split('/')));
    expect(looksBrainExtracted(volume)).toBe(expected);
  });
});
