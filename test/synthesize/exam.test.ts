import { beforeAll, describe, expect, it } from 'vitest';
import { acquire, averagedOverSlices } from '../../src/synthesize/acquisition.js';
import { addArtefactsInPlace, noArtefacts } from '../../src/synthesize/artefacts.js';
import { typicalMeans } from '../../src/synthesize/contrast.js';
import { type ExamParameters, renderExam as render } from '../../src/synthesize/exam.js';
import type { Head } from '../../src/synthesize/head.js';
import type { LesionLibrary } from '../../src/synthesize/lesion-library.js';
import { noLesions } from '../../src/synthesize/lesions.js';
import { sampleAppearance } from '../../src/synthesize/sample-contrast.js';
import { sampleExam } from '../../src/synthesize/sample-exam.js';
import { sampleStripping } from '../../src/synthesize/stripping.js';
import { tissue, tissues } from '../../src/synthesize/tissues.js';
import { identity, type Mat4, multiply } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import {
  countNonZero,
  type Grid,
  onGrid,
  type Volume,
  voxelCount,
} from '../../src/volume/volume.js';
import { phantomHead, phantomLibrary } from './phantom.js';

let head: Head;
let library: LesionLibrary;

beforeAll(() => {
  head = phantomHead();
  library = phantomLibrary();
});

/** Bodies of 2 mm are enough for coarse voxels. */
const renderExam: typeof render = (parameters, of, lesions) => render(parameters, of, lesions, 2);

/** A coarse grid about the middle of the body, so that exams are rendered fast. */
const coarse: Grid = {
  size: [40, 48, 20],
  affine: [-4, 0, 0, 78, 0, -4, 0, 94, 0, 0, 7, -66, 0, 0, 0, 1],
};
const protocol = {
  grid: coarse,
  sliceAxis: 2,
  thicknessMm: 6,
  pose: identity,
  blurMm: 0.5,
} as const;

/** Plain contrast: only the tissues' own intensities, and lesions. */
const plain = (kind: 'flair' | 't1' | 't2', lesion: number) => ({
  means: typicalMeans(kind),
  grain: tissues.map(() => 0),
  textures: [],
  lesion,
  lesionVariation: 0,
  lesionField: { seed: 1, spacingMm: 10 },
  lesionCore: 0,
  dirty: 0,
  rim: 0,
});

function plainExam(): ExamParameters {
  const mimics = {
    ...sampleAppearance(seededRandom(1)).mimics,
    greySpecksWeight: 0,
    vesselsAbove: 5,
  };
  const still = { fields: [1, 2, 3].map((seed) => ({ seed, spacingMm: 20 })), sdMm: 0 } as never;
  const [x, y, z] = head.brainCentreMm;
  return {
    head: head.name,
    geometry: { toHead: [1, 0, 0, x, 0, 1, 0, y, 0, 0, 1, z, 0, 0, 0, 1], warp: still },
    lesions: {
      ...noLesions,
      persons: [{ person: 1, toPerson: identity, warp: still, kept: 1, seed: 3 }],
    },
    mimics,
    sequences: {
      flair: { contrast: plain('flair', 0.4), protocol, artefacts: noArtefacts, seed: 1 },
    },
  };
}

/** A sampled exam on coarse grids. */
function sampledExam(seed: number): ExamParameters {
  const exam = sampleExam(seededRandom(seed), head, library);
  const sequences = Object.fromEntries(
    Object.entries(exam.sequences).map(([name, sequence]) => [
      name,
      { ...sequence, protocol: { ...sequence.protocol, grid: coarse } },
    ]),
  );
  return { ...exam, sequences };
}

describe('a synthetic exam', () => {
  it('is the same for the same parameters, also when they went through JSON', () => {
    const parameters = sampledExam(11);
    const copy = JSON.parse(JSON.stringify(parameters));
    expect(copy).toEqual(sampledExam(11));
    expect(renderExam(copy, head, library)).toEqual(renderExam(parameters, head, library));
  });

  it('differs with the seed', () => {
    expect(sampledExam(12)).not.toEqual(sampledExam(11));
  });

  it('has the sequences that were drawn, FLAIR among them, and others missing now and then', () => {
    const sets = Array.from({ length: 60 }, (_, seed) =>
      Object.keys(sampleExam(seededRandom(seed), head, library).sequences)
        .sort()
        .join(),
    );
    expect(new Set(sets)).toEqual(new Set(['flair', 'flair,t1', 'flair,t1,t2', 'flair,t2']));
  });

  it('shares slices, contrast and quality with all of its scanner, and noise with none', () => {
    const [one, other] = [21, 22].map((seed) => sampleExam(seededRandom(seed), head, library, 5));
    for (const name of ['flair', 't2', 't1'] as const) {
      const [first, second] = [one.sequences[name]!, other.sequences[name]!];
      expect(second.contrast.means).toEqual(first.contrast.means);
      expect(second.protocol.thicknessMm).toBe(first.protocol.thicknessMm);
      expect(second.artefacts.noiseSd).toBe(first.artefacts.noiseSd);
      expect(second.seed).not.toBe(first.seed);
      expect(second.artefacts.biasField.seed).not.toBe(first.artefacts.biasField.seed);
    }
    expect(other.lesions).not.toEqual(one.lesions);
    const elsewhere = sampleExam(seededRandom(21), head, library, 6);
    expect(elsewhere.lesions).toEqual(one.lesions);
    expect(elsewhere.sequences.flair!.contrast.means).not.toEqual(
      one.sequences.flair!.contrast.means,
    );
  });

  it('lies on the grids of its protocols, in whole numbers that are not negative', () => {
    const { images, truth } = renderExam(sampledExam(2), head, library);
    for (const image of [...Object.values(images), truth]) {
      expect(image.size).toEqual(coarse.size);
      expect(image.affine).toEqual(coarse.affine);
      expect(image.data).toHaveLength(voxelCount(coarse.size));
      expect(image.data.every((value) => value >= 0)).toBe(true);
    }
    for (const image of Object.values(images)) expect(image.data).toBeInstanceOf(Int16Array);
  });

  it('shows its lesions where the truth says, and nowhere else', () => {
    const exam = plainExam();
    const { images, truth } = renderExam(exam, head, library);
    const healthy = renderExam({ ...exam, lesions: noLesions }, head, library);
    expect(countNonZero(truth.data)).toBeGreaterThan(5);
    expect(countNonZero(healthy.truth.data)).toBe(0);
    const difference = images.flair!.data.map(
      (value, at) => value - healthy.images.flair!.data[at],
    );
    // Half a voxel of lesion raises it by at least half of 0.4 * scale 500, less the blurred border.
    const inLesions = [...difference].filter((_, at) => truth.data[at] !== 0);
    expect(Math.min(...inLesions)).toBeGreaterThan(60);
    const raised = difference.filter((value) => value > 130).length;
    expect(raised).toBeLessThanOrEqual(countNonZero(truth.data));
  });

  it('has the truth move with the FLAIR’s voxels', () => {
    const exam = plainExam();
    const oneVoxel: Mat4 = [1, 0, 0, -4, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const flair = { ...exam.sequences.flair!, protocol: { ...protocol, pose: oneVoxel } };
    const shifted = renderExam({ ...exam, sequences: { flair } }, head, library);
    const { truth, images } = renderExam(exam, head, library);
    // The body lies 4 mm farther right: voxel i + 1 (farther left) of the unmoved exam is at i.
    for (const [moved, still] of [
      [shifted.truth, truth],
      [shifted.images.flair!, images.flair!],
    ] as [Volume, Volume][]) {
      for (let row = 0; row < 48 * 20; row++) {
        expect(moved.data.slice(40 * row, 40 * row + 39)).toEqual(
          still.data.slice(40 * row + 1, 40 * row + 40),
        );
      }
    }
  });

  it('orders the tissues of FLAIR, T1 and T2 as scanners do', () => {
    const mean = (kind: 'flair' | 't1' | 't2', name: keyof typeof tissue) =>
      typicalMeans(kind)[tissue[name]];
    expect(mean('flair', 'cortex')).toBeGreaterThan(mean('flair', 'white matter'));
    expect(mean('flair', 'csf')).toBeLessThan(0.3 * mean('flair', 'white matter'));
    expect(mean('t1', 'white matter')).toBeGreaterThan(mean('t1', 'cortex'));
    expect(mean('t1', 'cortex')).toBeGreaterThan(mean('t1', 'csf'));
    expect(mean('t2', 'csf')).toBeGreaterThan(mean('t2', 'cortex'));
    expect(mean('t2', 'cortex')).toBeGreaterThan(mean('t2', 'white matter'));
  });

  it('is black outside the brain when it was stripped', () => {
    const exam = plainExam();
    const stripping = { ...sampleStripping(seededRandom(1)), marginMm: 0, variationMm: 0 };
    const { images } = renderExam({ ...exam, stripping }, head, library);
    const whole = renderExam(exam, head, library).images.flair!;
    const shown = countNonZero(images.flair!.data);
    expect(shown).toBeLessThan(0.8 * countNonZero(whole.data));
    const { data } = images.flair!;
    expect(data.every((value, at) => value === 0 || value === whole.data[at])).toBe(true);
  });

  it('needs a sequence, and the head that it was drawn for', () => {
    expect(() => renderExam({ ...plainExam(), sequences: {} }, head, library)).toThrow(RangeError);
    expect(() => renderExam({ ...plainExam(), head: 'another' }, head, library)).toThrow(
      RangeError,
    );
  });
});

describe('measuring a body', () => {
  const body: Volume<Float32Array> = {
    size: [30, 30, 60],
    affine: [1, 0, 0, -15, 0, 1, 0, -15, 0, 0, 1, -30, 0, 0, 0, 1],
    data: Float32Array.from({ length: 54_000 }, (_, at) => (Math.floor(at / 900) < 30 ? 1 : 0)),
  };

  it('mixes what lies in one slice', () => {
    // Below z = -0.5 the body is 1. Slices of 4 mm at -8.5, -4.5, -0.5, 3.5, 7.5.
    const grid: Grid = {
      size: [3, 3, 5],
      affine: [1, 0, 0, -1, 0, 1, 0, -1, 0, 0, 4, -8.5, 0, 0, 0, 1],
    };
    const slices = averagedOverSlices(body, {
      grid,
      sliceAxis: 2,
      thicknessMm: 4,
      pose: identity,
      blurMm: 0,
    });
    const line = [0, 1, 2, 3, 4].map((k) => slices.data[4 + 9 * k]);
    expect(line[0]).toBeCloseTo(1, 3);
    // A Gaussian profile of 4 mm: 4 mm from the border 0.9 % lies beyond it.
    expect(line[1]).toBeCloseTo(0.991, 2);
    expect(line[2]).toBeCloseTo(0.5, 2);
    expect(line[3]).toBeCloseTo(0.009, 2);
    expect(line[4]).toBeCloseTo(0, 3);
  });

  it('sees less of the neighbours through a gap', () => {
    const grid: Grid = {
      size: [1, 1, 2],
      affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 6, -3.5, 0, 0, 0, 1],
    };
    const at = (thicknessMm: number) =>
      acquire(body, { grid, sliceAxis: 2, thicknessMm, pose: identity, blurMm: 0 }).data[1];
    expect(at(6)).toBeGreaterThan(at(4));
    expect(at(2)).toBeLessThan(0.01);
  });

  it('does not depend on the voxel axis across the slices', () => {
    const turned: Mat4 = multiply(
      [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, -8.5, 0, 0, 0, 1],
      [0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1],
    );
    const first = averagedOverSlices(body, {
      grid: { size: [5, 1, 1], affine: turned },
      sliceAxis: 0,
      thicknessMm: 4,
      pose: identity,
      blurMm: 0,
    });
    const last = averagedOverSlices(body, {
      grid: { size: [1, 1, 5], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, -8.5, 0, 0, 0, 1] },
      sliceAxis: 2,
      thicknessMm: 4,
      pose: identity,
      blurMm: 0,
    });
    expect(first.data).toEqual(last.data);
  });
});

describe('artefacts', () => {
  const line = (values: number[]) =>
    onGrid({ size: [values.length, 1, 1], affine: identity }, Float32Array.from(values));
  const changed = (values: number[], artefacts: Partial<typeof noArtefacts>) => {
    const image = line(values);
    addArtefactsInPlace(image, { ...noArtefacts, scale: 1, ...artefacts }, seededRandom(1));
    return [...image.data].map((value) => Math.round(1000 * value) / 1000);
  };

  it('are none when nothing is drawn', () => {
    expect(changed([1, 2, 3], {})).toEqual([1, 2, 3]);
  });

  it('show ghosts on both sides, round the field of view', () => {
    expect(changed([1, 0, 0, 0, 0], { ghostStrength: 0.1, ghostShiftVoxels: 2 })).toEqual([
      1, 0, 0.1, 0.1, 0,
    ]);
  });

  it('fold one end of the field of view onto the other', () => {
    expect(changed([1, 2, 0, 0, 5], { wrapVoxels: 1 })).toEqual([6, 2, 0, 0, 6]);
  });

  it('bend and scale intensities', () => {
    expect(changed([0.25, 1], { gamma: 0.5, scale: 100 })).toEqual([50, 100]);
  });

  it('let the coil’s sensitivity run smoothly', () => {
    const values = changed(new Array(40).fill(1), {
      biasSd: 0.2,
      biasField: { seed: 9, spacingMm: 40 },
    });
    const steps = values.slice(1).map((value, at) => Math.abs(value - values[at]));
    expect(Math.max(...steps)).toBeLessThan(0.03);
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.02);
  });
});
