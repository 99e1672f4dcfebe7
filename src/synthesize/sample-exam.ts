import { determinant } from '../volume/affine.js';
import { type Random, seededRandom } from '../volume/random.js';
import {
  type ExamParameters,
  type SequenceName,
  type SequenceParameters,
  sequenceNames,
} from './exam.js';
import { sampleGeometry } from './geometry.js';
import type { Head } from './head.js';
import type { LesionLibrary } from './lesion-library.js';
import {
  sampleArtefacts,
  samplePose,
  sampleProtocol,
  sampleSlicing,
} from './sample-acquisition.js';
import {
  type Appearance,
  isPlausible,
  sampleAppearance,
  sampleContrast,
} from './sample-contrast.js';
import { sampleLesions } from './sample-lesions.js';
import { chance, oneByShare } from './sampling.js';
import { sampleStripping } from './stripping.js';

/** Probabilities of the sets of sequences an exam consists of; FLAIR is always there. */
export const sequenceSets: readonly { share: number; value: readonly SequenceName[] }[] = [
  { share: 0.5, value: sequenceNames },
  { share: 0.2, value: ['flair', 't1'] },
  { share: 0.1, value: ['flair', 't2'] },
  { share: 0.2, value: ['flair'] },
];

/**
 * A random exam of a head: everything that {@link renderExam} needs, as a plain value.
 * @param scanner the seed of a scanner and its protocol, which exams share; a random one for each without
 */
export function sampleExam(
  random: Random,
  head: Head,
  library: LesionLibrary,
  scanner?: number,
): ExamParameters {
  const geometry = sampleGeometry(random, head);
  const headSize = Math.abs(determinant(geometry.toHead)) ** (-1 / 3);
  const lesions = sampleLesions(random, head, library);
  const appearance = sampleAppearance(random);
  const sequences =
    scanner === undefined
      ? Object.fromEntries(
          oneByShare(random, sequenceSets).map((name) => [
            name,
            sampleSequence(random, name, appearance, headSize),
          ]),
        )
      : sequencesOfScanner(scanner, random, appearance, headSize);
  return {
    head: head.name,
    geometry,
    lesions,
    mimics: appearance.mimics,
    stripping: chance(random, 0.15) ? sampleStripping(random) : undefined,
    sequences,
  };
}

/**
 * All sequences of an exam on a scanner: slices, contrast and quality are the scanner's, while noise, shading
 * and how the head moved are of the exam.
 */
function sequencesOfScanner(
  scanner: number,
  exam: Random,
  appearance: Appearance,
  headSize: number,
): ExamParameters['sequences'] {
  const random = seededRandom(scanner);
  const { fieldStrengthTesla } = sampleAppearance(random);
  const sampled = sequenceNames.map((name) => {
    let drawn: SequenceParameters;
    do {
      drawn = sampleSequence(random, name, { ...appearance, fieldStrengthTesla }, headSize);
    } while (!isPlausible(name, drawn.contrast));
    const { contrast, protocol, artefacts } = drawn;
    const anew = <T>(field: T) => ({ ...field, seed: exam.bits() });
    return [
      name,
      {
        contrast: { ...contrast, lesionField: anew(contrast.lesionField) },
        protocol: name === 'flair' ? protocol : { ...protocol, pose: samplePose(exam) },
        artefacts: { ...artefacts, biasField: anew(artefacts.biasField) },
        seed: exam.bits(),
      },
    ];
  });
  return Object.fromEntries(sampled);
}

/** One more sequence of an exam: with another random state, the same exam under another protocol. */
export function sampleSequence(
  random: Random,
  name: SequenceName,
  appearance: Appearance,
  headSize: number,
): SequenceParameters {
  const slicing = sampleSlicing(random, name);
  const contrast = sampleContrast(random, name, appearance, slicing);
  const protocol = sampleProtocol(random, slicing, headSize, name === 'flair');
  return {
    contrast,
    protocol,
    artefacts: sampleArtefacts(random, protocol.grid.size, appearance.fieldStrengthTesla),
    seed: random.bits(),
  };
}
