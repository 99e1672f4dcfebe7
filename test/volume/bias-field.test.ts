import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { correctBiasField } from '../../src/volume/bias-field.js';
import { BSplineMesh } from '../../src/volume/bspline-mesh.js';
import { seededRandom } from '../../src/volume/random.js';
import { sharpenedValues } from '../../src/volume/sharpen-histogram.js';
import { onGrid, type Size, voxelCount } from '../../src/volume/volume.js';
import { floats, largestDifference, maskOf, scaling } from './samples.js';

/**
 * A head of three tissues in interleaved shells, 2 % noise, on 2x2x4 mm voxels, and a smooth field
 * of up to +-30 %.
 */
function shadedPhantom() {
  const size: Size = [80, 90, 40];
  const random = seededRandom(3);
  const intensities: number[] = [];
  const field: number[] = [];
  const inside: number[] = [];
  const tissue: number[] = [];
  for (let k = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++) {
      for (let i = 0; i < size[0]; i++) {
        const [x, y, z] = [(i - 40) / 36, (j - 45) / 41, (k - 20) / 18];
        const radius = Math.hypot(x, y, z);
        const kind = (Math.floor(radius * 9 + Math.sin(5 * x) + Math.cos(4 * y + z)) + 9) % 3;
        field.push(Math.exp(0.3 * Math.sin(1.3 * x + 0.5) * Math.cos(0.9 * y - 0.4 * z)));
        inside.push(radius < 1 ? 1 : 0);
        tissue.push(kind);
        const clean = radius < 1 ? [300, 600, 900][kind] * (1 + 0.02 * random.normal()) : 0;
        intensities.push(clean * field[field.length - 1]);
      }
    }
  }
  const affine = scaling([2, 2, 4]);
  return {
    volume: floats(size, intensities, affine),
    mask: maskOf(size, inside, affine),
    field,
    tissue,
  };
}

const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const spread = (values: number[]) => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - middle) ** 2))) / middle;
};
const correlation = (a: number[], b: number[]) => {
  const [ma, mb] = [mean(a), mean(b)];
  const product = (p: number[], q: number[], mp: number, mq: number) =>
    mean(p.map((v, at) => (v - mp) * (q[at] - mq)));
  return product(a, b, ma, mb) / Math.sqrt(product(a, a, ma, ma) * product(b, b, mb, mb));
};

describe('correctBiasField', () => {
  const { volume, mask, field, tissue } = shadedPhantom();
  const found = correctBiasField(volume, mask);
  const inside = [...mask.data.keys()].filter((at) => mask.data[at] === 1);

  it('finds a known field: correlation of the logarithms at least 0.98', () => {
    const truth = inside.map((at) => Math.log(field[at]));
    const estimate = inside.map((at) => Math.log(found.field.data[at]));
    expect(correlation(truth, estimate)).toBeGreaterThan(0.98);
  });

  it('makes each tissue uniform: from more than 10 % down to less than 4 %, with 2 % of noise', () => {
    for (const kind of [0, 1, 2]) {
      const voxels = inside.filter((at) => tissue[at] === kind);
      expect(spread(voxels.map((at) => volume.data[at]))).toBeGreaterThan(0.1);
      expect(spread(voxels.map((at) => found.corrected.data[at]))).toBeLessThan(0.04);
    }
  });

  it('keeps the scale: the geometric mean of the field over the mask is 1', () => {
    const logMean = mean(inside.map((at) => Math.log(found.field.data[at])));
    expect(Math.abs(logMean)).toBeLessThan(0.01);
  });

  it('gives image = corrected x field, everywhere finite, the same bytes every time', () => {
    const product = found.corrected.data.map((value, at) => value * found.field.data[at]);
    expect(largestDifference(product, volume.data)).toBeLessThan(1e-3);
    expect(found.field.data.every((value) => value > 0 && value < Infinity)).toBe(true);
    expect(correctBiasField(volume, mask).field.data).toEqual(found.field.data);
  });

  it('does not depend on the unit of the intensities', () => {
    const scaled = onGrid(
      volume,
      volume.data.map((value) => 1000 * value),
    );
    const other = correctBiasField(scaled, mask).field.data;
    expect(largestDifference(other, found.field.data)).toBeLessThan(1e-3);
  });

  it('leaves an image alone that has no shading to find', () => {
    const flat = onGrid(volume, new Float32Array(volume.data.length).fill(7));
    expect(new Set(correctBiasField(flat, mask).field.data)).toEqual(new Set([1]));
  });

  it('works on a single slice', () => {
    const middle = 80 * 90 * 20;
    const slice = (data: Float32Array | Uint8Array) => data.slice(middle, middle + 80 * 90);
    const size: Size = [80, 90, 1];
    const one = correctBiasField(
      floats(size, slice(volume.data), volume.affine),
      maskOf(size, slice(mask.data), volume.affine),
    );
    const kept = [...slice(mask.data).keys()].filter((at) => mask.data[middle + at] === 1);
    const truth = kept.map((at) => Math.log(field[middle + at]));
    const estimate = kept.map((at) => Math.log(one.field.data[at]));
    expect(correlation(truth, estimate)).toBeGreaterThan(0.95);
  });

  it('refuses an empty mask, an image without positive values and a mask on another grid', () => {
    const empty = onGrid(mask, new Uint8Array(mask.data.length));
    const black = onGrid(volume, new Float32Array(volume.data.length));
    expect(() => correctBiasField(volume, empty)).toThrow(DawsonError);
    expect(() => correctBiasField(black, mask)).toThrow(DawsonError);
    expect(() => correctBiasField(volume, maskOf([1, 1, 1], [1]))).toThrow(RangeError);
  });
});

describe('BSplineMesh', () => {
  const range = (n: number) => Array.from({ length: n }, (_, at) => at);

  it('fits by the formula of Lee et al. 1997, summed over the points one by one', () => {
    const size: Size = [9, 7, 5];
    const positions = [range(9), [0, 2, 4, 6], range(5)];
    const count = 9 * 4 * 5;
    const random = seededRandom(1);
    const values = Float64Array.from({ length: count }, () => random.normal());
    const weights = Uint8Array.from({ length: count }, () => random.integer(2));
    const elements = 2;
    const mesh = new BSplineMesh(size, elements);
    const spline = (distance: number) => {
      const d = Math.abs(distance);
      return d >= 2 ? 0 : d >= 1 ? (2 - d) ** 3 / 6 : 2 / 3 - d * d + d ** 3 / 2;
    };
    const expected = range(voxelCount(mesh.controlSize)).map((control) => {
      const c = [control % 5, Math.floor(control / 5) % 5, Math.floor(control / 25)];
      let sum = 0;
      let total = 0;
      for (let point = 0; point < count; point++) {
        if (weights[point] === 0) continue;
        const p = [point % 9, Math.floor(point / 9) % 4, Math.floor(point / 36)];
        const t = p.map((at, axis) => (positions[axis][at] / (size[axis] - 1)) * elements);
        const all = range(125).map(
          (other) =>
            spline(t[0] + 1 - (other % 5)) *
            spline(t[1] + 1 - (Math.floor(other / 5) % 5)) *
            spline(t[2] + 1 - Math.floor(other / 25)),
        );
        const w = t.reduce((product, at, axis) => product * spline(at + 1 - c[axis]), 1);
        sum += (w ** 3 * values[point]) / all.reduce((squares, v) => squares + v * v, 0);
        total += w * w;
      }
      return total > 1e-9 ? sum / total : 0;
    });
    expect(largestDifference(mesh.fitter(positions, weights)(values), expected)).toBeLessThan(
      1e-12,
    );
  });

  it('is constant for equal coefficients, also beyond its box', () => {
    const mesh = new BSplineMesh([9, 7, 1], 3);
    const target = new Float64Array(3 * 2 * 1);
    mesh.addTo(target, new Float64Array(voxelCount(mesh.controlSize)).fill(2), [
      [-4, 0, 20],
      [3, 6],
      [0],
    ]);
    expect(largestDifference(target, new Array(6).fill(2))).toBeLessThan(1e-12);
  });
});

describe('sharpenedValues', () => {
  it('draws two blurred peaks together and leaves values without weight as they are', () => {
    const random = seededRandom(5);
    const values = Float64Array.from(
      { length: 20_000 },
      (_, at) => (at % 2) + 0.064 * random.normal(),
    );
    const weights = new Uint8Array(values.length).fill(1);
    values[0] = 77;
    weights[0] = 0;
    const sharp = sharpenedValues(values, weights);
    const errors = [...sharp].slice(1).map((value, at) => value - ((at + 1) % 2));
    expect(sharp[0]).toBe(77);
    expect(Math.sqrt(mean(errors.map((e) => e * e)))).toBeLessThan(0.04);
  });
});
