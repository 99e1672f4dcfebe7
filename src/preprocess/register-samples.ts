import { applyToPoint, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { gaussianSmooth } from '../volume/gaussian.js';
import { percentile } from '../volume/histogram.js';
import type { Volume } from '../volume/volume.js';

/** Intensities of an image at points off its grid. */
export interface HeadSamples {
  /** x, y, z of each point, RAS mm. */
  readonly pointsMm: Float64Array;
  readonly values: Float32Array;
}

/** Smoothing by which the head grows into the air around it, so that its outline is seen as well. */
const marginMm = 6;
/** How far from the darkest to the brightest smoothed intensities the head begins. */
const headThreshold = 0.1;

/**
 * The head and a little air around it, as 1 in a smooth image from which points are chosen. The
 * darkest intensities are those of the air, which noise lifts above 0.
 */
export function headRegion(coarse: Volume<Float32Array>): Volume<Float32Array> {
  const smooth = gaussianSmooth(coarse, marginMm);
  const dark = percentile(smooth.data, 5);
  const threshold = dark + headThreshold * (percentile(smooth.data, 99) - dark);
  return { ...smooth, data: smooth.data.map((value) => (value > threshold ? 1 : 0)) };
}

/**
 * One point in each cell of a lattice of about `spacingMm` laid over the image, at a quasi-random
 * place in the cell (the additive recurrence of the plastic number, Roberts 2018), where the
 * region is not 0. Points off the voxel grid avoid that mutual information favours transforms
 * which put voxels onto voxels (Tsao 2003, doi 10.1109/TMI.2003.815080); the order follows memory.
 */
export function sampleHead(
  image: Volume<Float32Array>,
  region: Volume<Float32Array>,
  spacingMm: number,
): HeadSamples {
  const cells = voxelSizeMm(image.affine).map((mm, axis) =>
    Math.max(1, Math.round((mm * image.size[axis]) / spacingMm)),
  );
  const [sx, sy, sz] = cells.map((count, axis) => image.size[axis] / count);
  const regionScale = region.size.map((n, axis) => n / image.size[axis]);
  const points: number[] = [];
  const values: number[] = [];
  let index = 0;
  for (let k = 0; k < cells[2]; k++) {
    for (let j = 0; j < cells[1]; j++) {
      for (let i = 0; i < cells[0]; i++) {
        index++;
        const x = (i + fraction(index * 0.8191725133961645)) * sx;
        const y = (j + fraction(index * 0.6710436067037893)) * sy;
        const z = (k + fraction(index * 0.5497004779019703)) * sz;
        const nearest =
          Math.floor(x * regionScale[0]) +
          region.size[0] *
            (Math.floor(y * regionScale[1]) + region.size[1] * Math.floor(z * regionScale[2]));
        if (region.data[nearest] === 0) continue;
        const at: Vec3 = [x - 0.5, y - 0.5, z - 0.5];
        points.push(...applyToPoint(image.affine, at));
        values.push(linearValue(image, at));
      }
    }
  }
  return { pointsMm: Float64Array.from(points), values: Float32Array.from(values) };
}

function fraction(value: number): number {
  return value - Math.floor(value);
}

/** Linear interpolation; the outermost values continue outward. */
function linearValue({ data, size }: Volume<Float32Array>, at: Vec3): number {
  const [nx, ny, nz] = size;
  const x = Math.min(Math.max(at[0], 0), nx - 1);
  const y = Math.min(Math.max(at[1], 0), ny - 1);
  const z = Math.min(Math.max(at[2], 0), nz - 1);
  const i = Math.min(Math.floor(x), Math.max(nx - 2, 0));
  const j = Math.min(Math.floor(y), Math.max(ny - 2, 0));
  const k = Math.min(Math.floor(z), Math.max(nz - 2, 0));
  const right = nx > 1 ? 1 : 0;
  const ahead = ny > 1 ? nx : 0;
  const above = nz > 1 ? nx * ny : 0;
  const along = (a: number) => data[a] + (x - i) * (data[a + right] - data[a]);
  const across = (a: number) => along(a) + (y - j) * (along(a + ahead) - along(a));
  const start = i + nx * (j + ny * k);
  return across(start) + (z - k) * (across(start + above) - across(start));
}
