import { readNifti, writeNifti } from '../../src/formats/index.js';
import { multiply } from '../../src/volume/affine.js';
import { demoExam } from './dawson.js';

/** Slices of the demo FLAIR through ventricles and lesions, 4.4 mm apart. */
const slab = { first: 18, slices: 8 };

/**
 * Writes 35 mm of the demo FLAIR: a head that goes through the whole pipeline, networks included, in a
 * quarter of the time of all of it, for what does not depend on how much of the brain is shown.
 */
export async function writeDemoSlab(path: string): Promise<void> {
  const { volume } = await readNifti(demoExam('flair'));
  const [nx, ny] = volume.size;
  const { first, slices } = slab;
  await writeNifti(path, {
    data: volume.data.slice(nx * ny * first, nx * ny * (first + slices)),
    size: [nx, ny, slices],
    affine: multiply(volume.affine, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, first, 0, 0, 0, 1]),
  });
}
