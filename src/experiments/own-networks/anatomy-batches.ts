import { anatomyVoxelMm, scaledIntensities } from '../../preprocess/anatomy-network-input.js';
import { anatomyOfTissue } from '../../synthesize/anatomy-of-tissues.js';
import { sequenceNames } from '../../synthesize/exam.js';
import { stepsPerMm } from '../../synthesize/head.js';
import { renderPatch, samplePatch } from '../../synthesize/patch.js';
import { chance, oneOf } from '../../synthesize/sampling.js';
import { sampleStripping } from '../../synthesize/stripping.js';
import { tissue } from '../../synthesize/tissues.js';
import { batchSeed } from '../../train/patch-source.js';
import type { StepInput } from '../../train/step.js';
import { applyToPoint, invert, mapAxes } from '../../volume/affine.js';
import { anatomyLabel } from '../../volume/anatomy-labels.js';
import { seededRandom } from '../../volume/random.js';
import type { Size } from '../../volume/volume.js';
import { inWorker } from '../../workers.js';
import type { Anatomies, BatchSettings } from './lesion-batches.js';

/** How far the middle of a patch lies from that of the brain: fields of view cut heads anywhere. */
const offCentreMm = 28;
const stripped = 0.1;
/**
 * Brain masks, those of HD-BET among them, end in the fluid around the tissue, not at the tissue: as
 * much fluid counts as inside of the brain.
 */
const fluidMm = 1.5;
const scaleJitter = 0.15;

/**
 * Batch `index` of synthetic patches for the anatomy network: one sequence of any contrast,
 * [batch, 1, z, y, x], and the labels of the anatomy inside the brain, 0 outside of it. Runs in a
 * worker; the same settings and index give the same batch.
 */
export function makeAnatomyBatch(
  { heads, library }: Anatomies,
  { batchSize, edgeVoxels, seed }: BatchSettings,
  index: number,
): StepInput {
  const voxels = edgeVoxels ** 3;
  const image = new Float32Array(batchSize * voxels);
  const labels = new Uint8Array(batchSize * voxels);
  const random = seededRandom(batchSeed(seed, index));
  const size: Size = [edgeVoxels, edgeVoxels, edgeVoxels];
  for (let place = 0; place < batchSize; place++) {
    const head = heads[random.integer(heads.length)];
    const sampled = samplePatch(random, head, library, edgeVoxels * anatomyVoxelMm);
    const middle = applyToPoint(invert(sampled.geometry.toHead), head.brainCentreMm);
    const name = oneOf(
      random,
      sequenceNames.filter((sequence) => sampled.sequences[sequence]),
    );
    const parameters = {
      ...sampled,
      centreMm: mapAxes(middle, (mm) => mm + offCentreMm * random.normal()),
      stripping: chance(random, stripped) ? sampleStripping(random) : undefined,
      sequences: { [name]: sampled.sequences[name] },
    };
    const patch = renderPatch(parameters, head, library, size, anatomyVoxelMm);
    const scale = Math.exp(scaleJitter * random.normal());
    image.set(scaledIntensities(patch.images[name]!, scale), place * voxels);
    for (let at = 0; at < voxels; at++) {
      const around = patch.tissues[at] === tissue.csf ? fluidMm * stepsPerMm : 0;
      if (patch.brainDistance[at] >= around) continue;
      // Dura and vessels inside of the brain's surface lie in its fluid.
      labels[place * voxels + at] = anatomyOfTissue[patch.tissues[at]] || anatomyLabel.csf;
    }
  }
  return { image, labels };
}

export const makeAnatomyBatchInWorker = inWorker<typeof makeAnatomyBatch>(
  import.meta.url,
  'makeAnatomyBatch',
);
