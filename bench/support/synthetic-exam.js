import { renderExam } from '../../dist/synthesize/exam.js';
import { sampleGeometry } from '../../dist/synthesize/geometry.js';
import { prepareHead } from '../../dist/synthesize/prepare-heads.js';
import { isPlausible, sampleAppearance } from '../../dist/synthesize/sample-contrast.js';
import { sampleSequence } from '../../dist/synthesize/sample-exam.js';
import { sampleLesions } from '../../dist/synthesize/sample-lesions.js';
import { sampleStripping } from '../../dist/synthesize/stripping.js';
import { determinant } from '../../dist/volume/affine.js';
import { seededRandom } from '../../dist/volume/random.js';

const strippedShare = 0.15;
/** The body is rendered a little coarser than for training, which halves the time. */
const bodyVoxelMm = 1.25;

/** A synthetic exam that has all three sequences, each with a contrast of its kind. */
export async function syntheticExam(seed, { headFiles, library, cacheFolder }) {
  const random = seededRandom(seed);
  const head = await prepareHead(headFiles[random.integer(headFiles.length)], cacheFolder);
  const geometry = sampleGeometry(random, head);
  const headSize = Math.abs(determinant(geometry.toHead)) ** (-1 / 3);
  const lesions = sampleLesions(random, head, library);
  const appearance = sampleAppearance(random);
  const sequences = {};
  for (const name of ['flair', 't2', 't1']) {
    do {
      sequences[name] = sampleSequence(random, name, appearance, headSize);
    } while (!isPlausible(name, sequences[name].contrast));
  }
  const stripping = random.uniform() < strippedShare ? sampleStripping(random) : undefined;
  const { mimics } = appearance;
  const parameters = { head: head.name, geometry, lesions, mimics, stripping, sequences };
  return { parameters, ...renderExam(parameters, head, library, bodyVoxelMm) };
}
