import type { Random } from '../volume/random.js';
import { stepsPerMm } from './head.js';
import { between } from './sampling.js';
import type { SmoothField } from './smooth-field.js';

/** How somebody removed everything but the brain: too much in places, too little in others. */
export interface Stripping {
  /** How far outside the brain's surface (negative: inside) the cut runs on average. */
  readonly marginMm: number;
  readonly variationMm: number;
  readonly field: SmoothField;
}

export function sampleStripping(random: Random): Stripping {
  return {
    marginMm: between(random, -1.2, 2.5),
    variationMm: 0.8,
    field: { seed: random.bits(), spacingMm: 8 },
  };
}

/** 1 where the brain was kept. `variation` holds the values of the stripping's field. */
export function keptByStripping(
  { marginMm, variationMm }: Stripping,
  brainDistance: Int8Array,
  variation: Float32Array,
): Uint8Array {
  const kept = new Uint8Array(brainDistance.length);
  for (let at = 0; at < kept.length; at++) {
    if (brainDistance[at] / stepsPerMm < marginMm + variationMm * variation[at]) kept[at] = 1;
  }
  return kept;
}
