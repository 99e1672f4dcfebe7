import { describe, expect, it } from 'vitest';
import {
  augment,
  axesToMirror,
  isFlat,
  largestAngle,
  noAugmentation,
  sampleAugmentation,
} from '../../src/train/augment.js';
import {
  addNoiseInPlace,
  blurInPlace,
  brightenInPlace,
  changeContrastInPlace,
  changeGammaInPlace,
  lowerResolutionInPlace,
} from '../../src/train/augment-intensity.js';
import { spatialMatrix, transformPatch } from '../../src/train/augment-spatial.js';
import { drawnShape } from '../../src/train/sample.js';
import { type Axes3, voxelsIn } from '../../src/volume/arrays.js';
import { seededRandom } from '../../src/volume/random.js';
import { readGolden, relativeDifference } from './nnunet-goldens.js';

const golden = readGolden('augment.json');
const shape: Axes3 = golden.shape;
const image = () => Float32Array.from(golden.image);
// biome-ignore lint/suspicious/noExplicitAny: rows of a JSON file
const rows = (what: string): any[] => golden.rows.filter((row: any) => row.what === what);

function expectClose(found: Float32Array, values: readonly number[]): void {
  expect(relativeDifference(found, Float32Array.from(values))).toBeLessThan(1e-5);
}

describe('intensity augmentations equal batchgeneratorsv2', () => {
  it.each(rows('contrast'))('contrast $factor', ({ factor, values }) => {
    const changed = image();
    changeContrastInPlace(changed, factor);
    expectClose(changed, values);
  });
  it.each(rows('gamma'))('gamma $gamma, inverted: $inverted', ({ gamma, inverted, values }) => {
    const changed = image();
    changeGammaInPlace(changed, gamma, inverted);
    expectClose(changed, values);
  });
  it.each(rows('blur'))('blur $sigmas', ({ sigmas, values }) => {
    const changed = image();
    blurInPlace(changed, shape, sigmas);
    expectClose(changed, values);
  });
  it.each(rows('resolution'))('resolution $scale', ({ scale, values }) => {
    const changed = image();
    lowerResolutionInPlace(changed, shape, scale);
    expectClose(changed, values);
  });
});

describe('rotation and scaling equal batchgeneratorsv2', () => {
  it.each(rows('spatial'))('$angles, $scale', ({ angles, scale, patch, values, labels }) => {
    const matrix = spatialMatrix({ rotation: angles, scale: [scale, scale, scale] });
    const source = { image: image(), labels: Int8Array.from(golden.labels) };
    const found = transformPatch(source, shape, patch, matrix);
    expectClose(found.image, values);
    const other = found.labels.filter((label, at) => label !== labels[at]).length;
    // Half precision decides near ties there.
    expect(other / labels.length).toBeLessThan(0.01);
  });

  it('of nothing is the patch itself', () => {
    const source = { image: image(), labels: Int8Array.from(golden.labels) };
    const matrix = spatialMatrix({ rotation: [0, 0, 0], scale: [1, 1, 1] });
    expect(transformPatch(source, shape, shape, matrix)).toEqual(source);
  });

  // biome-ignore lint/suspicious/noExplicitAny: rows of a JSON file
  it.each(golden.drawn as any[])(
    'draws $patch at $angle from $drawn',
    ({ patch, angle, drawn }) => {
      expect(drawnShape(patch, angle, false)).toEqual(drawn);
    },
  );
});

describe('slices', () => {
  const { drawn } = readGolden('nnunet-plan-configurations.json') as {
    drawn: { patch: [number, number]; angle: number; drawn: [number, number] }[];
  };
  it.each(drawn)('of $patch are turned, and drawn from a part, as in nnU-Net', (row) => {
    const slice: Axes3 = [1, ...row.patch];
    expect(largestAngle(slice)).toBeCloseTo(row.angle, 10);
    expect(drawnShape(slice, row.angle, isFlat(slice))).toEqual([1, ...row.drawn]);
  });

  it('are mirrored, turned and scaled in their plane alone', () => {
    const random = seededRandom(4);
    const slice: Axes3 = [1, 20, 24];
    expect(axesToMirror(slice)).toEqual([1, 2]);
    const settings = { mirrorAxes: axesToMirror(slice), channelDropout: [0] };
    for (let count = 0; count < 300; count++) {
      const drawn = sampleAugmentation(random, slice, 1, settings);
      expect(drawn.spatial?.scale[0] ?? 1).toBe(1);
      expect(drawn.spatial?.rotation.slice(1) ?? [0, 0]).toEqual([0, 0]);
      for (const part of drawn.resolution ?? []) expect(part?.[0] ?? 1).toBe(1);
      expect(drawn.mirrorAxes).not.toContain(0);
    }
  });
});

describe('noise', () => {
  it('has mean 0, the standard deviation asked for, and the same values for a seed', () => {
    const [a, b] = [new Float32Array(20_000), new Float32Array(20_000)];
    addNoiseInPlace(a, 0.1, 5);
    addNoiseInPlace(b, 0.1, 5);
    expect(a).toEqual(b);
    const mean = a.reduce((sum, value) => sum + value, 0) / a.length;
    const variance = a.reduce((sum, value) => sum + value ** 2, 0) / a.length;
    expect(Math.abs(mean)).toBeLessThan(0.003);
    expect(Math.sqrt(variance)).toBeCloseTo(0.1, 2);
  });
});

describe('sampled parameters', () => {
  const patchShape: Axes3 = [64, 64, 64];
  const settings = { mirrorAxes: [0, 1, 2], channelDropout: [0, 0.3] };
  const draw = (patch: Axes3, count: number) => {
    const random = seededRandom(11);
    return Array.from({ length: count }, () => sampleAugmentation(random, patch, 2, settings));
  };

  it('happen as often as in nnU-Net', () => {
    const all = draw(patchShape, 20_000);
    const share = (happens: (p: (typeof all)[number]) => boolean) =>
      all.filter(happens).length / all.length;
    for (const [probability, happens] of [
      [1 - 0.8 * 0.8, (p) => p.spatial !== undefined],
      [0.1, (p) => p.noise !== undefined],
      [0.2, (p) => p.blurSigmaVoxels !== undefined],
      [0.15, (p) => p.brightness !== undefined],
      [0.15, (p) => p.contrast !== undefined],
      [0.25, (p) => p.resolution !== undefined],
      [0.1, (p) => p.invertedGamma !== undefined],
      [0.3, (p) => p.gamma !== undefined],
      [0.5, (p) => p.mirrorAxes.includes(1)],
      [0.3, (p) => p.droppedChannels.includes(1)],
    ] as [number, (p: (typeof all)[number]) => boolean][]) {
      expect(Math.abs(share(happens) - probability)).toBeLessThan(0.015);
    }
  });

  it('stay in their ranges', () => {
    for (const { spatial, brightness, gamma, blurSigmaVoxels } of draw(patchShape, 2000)) {
      for (const angle of spatial?.rotation ?? [])
        expect(Math.abs(angle)).toBeLessThanOrEqual(Math.PI / 6);
      for (const scale of spatial?.scale ?? []) expect(scale).toBeGreaterThanOrEqual(0.7);
      for (const factor of brightness ?? []) expect(Math.abs(factor - 1)).toBeLessThanOrEqual(0.25);
      for (const power of gamma ?? []) expect(Math.abs(power - 1.1)).toBeLessThanOrEqual(0.4);
      for (const sigmas of blurSigmaVoxels ?? []) {
        for (const sigma of sigmas ?? []) expect(Math.abs(sigma - 0.75)).toBeLessThanOrEqual(0.25);
      }
    }
  });

  it('turn and scale flat patches in their planes only', () => {
    const angles = draw([16, 160, 160], 2000).flatMap(({ spatial, resolution }) => {
      expect(spatial?.scale[0] ?? 1).toBe(1);
      for (const scale of resolution ?? []) expect(scale?.[0] ?? 1).toBe(1);
      expect(spatial?.rotation.slice(1) ?? [0, 0]).toEqual([0, 0]);
      return spatial ? Math.abs(spatial.rotation[0]) : [];
    });
    expect(Math.max(...angles)).toBeGreaterThan(Math.PI / 2);
  });

  it('never drop all channels', () => {
    const random = seededRandom(3);
    for (let count = 0; count < 200; count++) {
      const { droppedChannels } = sampleAugmentation(random, patchShape, 3, {
        mirrorAxes: [],
        channelDropout: [0.9, 0.99, 0.99],
      });
      expect(droppedChannels.length).toBeLessThan(3);
    }
  });
});

describe('augment', () => {
  const voxels = voxelsIn(shape);
  const patch = () => ({
    image: Float32Array.of(...golden.image, ...golden.image),
    labels: Int8Array.from(golden.labels, (label: number, at: number) =>
      at % 9 === 0 ? -1 : label,
    ),
  });
  const use = { present: [true, true], masked: [true, false] };

  it('of nothing masks what lies outside and makes it background', () => {
    const { image: found, labels } = augment(patch(), shape, use, noAugmentation);
    expect(found[9]).toBe(0);
    expect(found[voxels + 9]).toBeCloseTo(golden.image[9], 6);
    expect(labels[9]).toBe(0);
    expect(labels[10]).toBe(golden.labels[10]);
  });

  it('keeps missing and dropped channels at 0, whatever else happens', () => {
    const all = {
      ...noAugmentation,
      noise: { sigma: 0.1, seed: 1 },
      gamma: [1.2, 1.2],
      brightness: [1.2, 1.2],
    };
    const missing = augment(patch(), shape, { ...use, present: [true, false] }, all);
    expect(missing.image.subarray(voxels).every((value) => value === 0)).toBe(true);
    const dropped = augment(patch(), shape, use, { ...all, droppedChannels: [0] });
    expect(dropped.image.subarray(0, voxels).every((value) => value === 0)).toBe(true);
    expect(dropped.image.subarray(voxels).some((value) => value !== 0)).toBe(true);
  });

  it('mirrors images and labels together', () => {
    const straight = augment(patch(), shape, use, noAugmentation);
    const turned = augment(patch(), shape, use, { ...noAugmentation, mirrorAxes: [2] });
    expect(turned.image[0]).toBe(straight.image[shape[2] - 1]);
    expect(turned.labels[1]).toBe(straight.labels[shape[2] - 2]);
  });

  it('leaves its argument alone', () => {
    const given = patch();
    augment(given, shape, use, { ...noAugmentation, brightness: [2, 2] });
    expect(given).toEqual(patch());
    const bright = image();
    brightenInPlace(bright, 2);
    expect(bright[3]).toBeCloseTo(2 * golden.image[3], 5);
  });
});
