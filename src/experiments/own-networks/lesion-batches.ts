import { normalizedIntensities } from '../../segment/lesions/lesion-network-input.js';
import { brainStatistics, type tissueShares } from '../../synthesize/brain-intensities.js';
import { sequenceNames } from '../../synthesize/exam.js';
import type { Head } from '../../synthesize/head.js';
import type { LesionLibrary } from '../../synthesize/lesion-library.js';
import { renderPatch, samplePatch } from '../../synthesize/patch.js';
import { chance } from '../../synthesize/sampling.js';
import { sampleStripping } from '../../synthesize/stripping.js';
import { batchSeed } from '../../train/patch-source.js';
import type { StepInput } from '../../train/step.js';
import { seededRandom } from '../../volume/random.js';
import type { Size } from '../../volume/volume.js';
import { inWorker } from '../../workers.js';
import { lesionEmphasis } from './lesion-emphasis.js';

/** Heads and lesions, on memory that workers share. */
export interface Anatomies {
  readonly heads: readonly Head[];
  /** Tissues of each head, see {@link tissueShares}. */
  readonly shares: readonly Float64Array[];
  readonly library: LesionLibrary;
}

/** What batches of synthetic patches are made of. */
export interface BatchSettings {
  readonly batchSize: number;
  readonly edgeVoxels: number;
  readonly seed: number;
}

/** Share of patches in which nobody removed the skull. */
const unstripped = 0.1;
/** How far the statistics of a patch's brain lie from those of an exam: bias fields, other tissues. */
const meanJitter = 0.15;
const sdJitter = 0.1;
/** Slow changes of intensity add to the deviation of a whole brain, and not to that of a patch. */
const brainOverPatch = 1.08;

/**
 * Batch `index` of synthetic patches for the lesion network: [batch, flair t2 t1, z, y, x], a missing
 * sequence 0, the truth, and how much each voxel counts. Runs in a worker; the same settings and index give the same batch.
 */
export function makeLesionBatch(
  { heads, shares, library }: Anatomies,
  { batchSize, edgeVoxels, seed }: BatchSettings,
  index: number,
): StepInput {
  const voxels = edgeVoxels ** 3;
  const image = new Float32Array(batchSize * sequenceNames.length * voxels);
  const labels = new Uint8Array(batchSize * voxels);
  const voxelWeights = new Float32Array(batchSize * voxels);
  const random = seededRandom(batchSeed(seed, index));
  const size: Size = [edgeVoxels, edgeVoxels, edgeVoxels];
  for (let place = 0; place < batchSize; place++) {
    const chosen = random.integer(heads.length);
    const head = heads[chosen];
    const sampled = samplePatch(random, head, library, edgeVoxels);
    const stripping = chance(random, unstripped) ? undefined : sampleStripping(random);
    const parameters = { ...sampled, stripping };
    const patch = renderPatch(parameters, head, library, size);
    for (const [channel, name] of sequenceNames.entries()) {
      const shift = meanJitter * random.normal();
      const spread = brainOverPatch * Math.exp(sdJitter * random.normal());
      const sequence = parameters.sequences[name];
      const measured = patch.images[name];
      if (!sequence || !measured) continue;
      const { mean, sd } = brainStatistics(shares[chosen], measured, patch, sequence);
      const statistics = { mean: mean + shift * sd, sd: spread * sd };
      const at = (place * sequenceNames.length + channel) * voxels;
      image.set(normalizedIntensities(measured, patch.kept, statistics), at);
    }
    for (let at = 0; at < voxels; at++) {
      if (patch.truth[at] !== 0 && patch.kept[at] !== 0) labels[place * voxels + at] = 1;
    }
    const ofPatch = labels.subarray(place * voxels, (place + 1) * voxels);
    voxelWeights.set(lesionEmphasis(ofPatch, size), place * voxels);
  }
  return { image, labels, voxelWeights };
}

export const makeLesionBatchInWorker = inWorker<typeof makeLesionBatch>(
  import.meta.url,
  'makeLesionBatch',
);
