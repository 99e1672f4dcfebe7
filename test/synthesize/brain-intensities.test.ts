import { describe, expect, it } from 'vitest';
import { brainStatistics } from '../../src/synthesize/brain-intensities.js';
import type { PatchSequence } from '../../src/synthesize/patch.js';
import { tissue, tissues } from '../../src/synthesize/tissues.js';

const white = tissue['white matter'];
const grey = tissue.cortex;
const voxels = 1000;

/** A patch of white matter alone, of which a part is lesion. */
function patchWith(lesionVoxels: number) {
  const truth = Uint8Array.from({ length: voxels }, (_, at) => (at < lesionVoxels ? 1 : 0));
  return {
    image: Float32Array.from(truth, (lesion) => (lesion !== 0 ? 900 : 600)),
    patch: {
      tissues: new Uint8Array(voxels).fill(white),
      brainDistance: new Int8Array(voxels).fill(-40),
      truth,
      kept: new Uint8Array(voxels).fill(1),
    },
  };
}

const means = tissues.map(() => 0);
means[grey] = 0.8;
const sequence = {
  contrast: { means },
  artefacts: { noiseSd: 0, gamma: 1, scale: 1000 },
} as unknown as PatchSequence;

describe('brainStatistics', () => {
  const shares = new Float64Array(tissues.length);
  [shares[white], shares[grey]] = [0.75, 0.25];

  it('weighs tissues by their share in the brain, seen in the patch or not', () => {
    const { image, patch } = patchWith(0);
    const { mean, sd } = brainStatistics(shares, image, patch, sequence);
    expect(mean).toBeCloseTo(0.75 * 600 + 0.25 * 800, 6);
    expect(sd).toBeCloseTo(Math.sqrt(0.75 * 0.25) * 200, 6);
  });

  it('does not change with the lesions of the patch', () => {
    const [few, many] = [patchWith(10), patchWith(800)].map(({ image, patch }) =>
      brainStatistics(shares, image, patch, sequence),
    );
    expect(many).toEqual(few);
  });
});
