import { percentile } from '../volume/histogram.js';
import type { Mask, Volume } from '../volume/volume.js';
import { voxelIndex } from '../volume/volume.js';

/** An exam's FLAIR in the space of the comparison. */
export interface SeenFlair {
  /** NaN where the exam shows nothing. */
  readonly flair: Volume<Float32Array>;
  readonly brain: Mask;
}

/** What surrounds a lesion, from and to these distances from it, mm. */
const ringMm = { from: 2, to: 6 } as const;
/** Least part of the place that has to be shown. */
const leastShownShare = 0.9;

/**
 * Tells for places how much brighter than their surroundings they are in one exam, in standard
 * deviations of the exam's brain tissue: its middle and spread are those of the brain outside all
 * lesions (median, and 1.4826 times the median absolute deviation).
 * @param lesions not 0 where either exam has a lesion
 */
export function placeBrightness(
  { flair, brain }: SeenFlair,
  lesions: Volume,
): (place: Place) => number | null {
  const tissue: number[] = [];
  for (let voxel = 0; voxel < flair.data.length; voxel++) {
    const value = flair.data[voxel];
    if (brain.data[voxel] !== 0 && lesions.data[voxel] === 0 && !Number.isNaN(value)) {
      tissue.push(value);
    }
  }
  if (tissue.length === 0) return () => null;
  const values = Float32Array.from(tissue);
  const middle = percentile(values, 50);
  const spread =
    1.4826 *
    percentile(
      values.map((value) => Math.abs(value - middle)),
      50,
    );
  if (!(spread > 0)) return () => null;
  const median = (voxels: readonly number[]): number | null => {
    const shown = voxels.map((voxel) => flair.data[voxel]).filter((value) => !Number.isNaN(value));
    if (shown.length === 0 || shown.length < leastShownShare * voxels.length) return null;
    return percentile(Float32Array.from(shown), 50);
  };
  return ({ voxels, ring }) => {
    const inside = median(voxels);
    // Fluid would make anything beside it look bright.
    const around = median(
      ring.filter(
        (voxel) =>
          brain.data[voxel] !== 0 && !(Math.abs(flair.data[voxel] - middle) > 2.5 * spread),
      ),
    );
    return inside === null ? null : (inside - (around ?? middle)) / spread;
  };
}

/** Voxels of a place, and those around it that belong to no lesion. */
export interface Place {
  readonly voxels: readonly number[];
  readonly ring: readonly number[];
}

/** The place of some voxels on the grid of `lesions`, which has cubic voxels of 1 mm. */
export function placeOf(voxels: readonly number[], lesions: Volume): Place {
  const [nx, ny, nz] = lesions.size;
  const own = new Set(voxels);
  const near = new Set<number>();
  const ring = new Set<number>();
  for (const voxel of voxels) {
    const [i, j, k] = voxelIndex(voxel, lesions.size);
    for (const [x, y, z, distanceMm] of ballSteps) {
      const [a, b, c] = [i + x, j + y, k + z];
      if (a < 0 || b < 0 || c < 0 || a >= nx || b >= ny || c >= nz) continue;
      const other = a + nx * (b + ny * c);
      if (lesions.data[other] !== 0 || own.has(other)) continue;
      if (distanceMm < ringMm.from) near.add(other);
      else ring.add(other);
    }
  }
  return { voxels, ring: [...ring].filter((voxel) => !near.has(voxel)) };
}

/** Steps to the voxels within the outer distance. */
const ballSteps = (() => {
  const steps: (readonly [number, number, number, number])[] = [];
  for (let k = -ringMm.to; k <= ringMm.to; k++) {
    for (let j = -ringMm.to; j <= ringMm.to; j++) {
      for (let i = -ringMm.to; i <= ringMm.to; i++) {
        const distanceMm = Math.hypot(i, j, k);
        if (distanceMm > 0 && distanceMm <= ringMm.to) steps.push([i, j, k, distanceMm]);
      }
    }
  }
  return steps;
})();
