import { determinant } from '../volume/affine.js';
import type { Random } from '../volume/random.js';
import {
  type ExamParameters,
  type SequenceName,
  type SequenceParameters,
  sequenceNames,
} from './exam.js';
import { sampleGeometry } from './geometry.js';
import type { Head } from './head.js';
import type { LesionLibrary } from './lesion-library.js';
import { sampleArtefacts, sampleProtocol, sampleSlicing } from './sample-acquisition.js';
import { type Appearance, sampleAppearance, sampleContrast } from './sample-contrast.js';
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

/** A random exam of a head: everything that {@link renderExam} needs, as a plain value. */
export function sampleExam(random: Random, head: Head, library: LesionLibrary): ExamParameters {
  const geometry = sampleGeometry(random, head);
  const headSize = Math.abs(determinant(geometry.toHead)) ** (-1 / 3);
  const lesions = sampleLesions(random, head, library);
  const appearance = sampleAppearance(random);
  const sequences: { [Name in SequenceName]?: SequenceParameters } = {};
  for (const name of oneByShare(random, sequenceSets)) {
    sequences[name] = sampleSequence(random, name, appearance, headSize);
  }
  return {
    head: head.name,
    geometry,
    lesions,
    mimics: appearance.mimics,
    stripping: chance(random, 0.15) ? sampleStripping(random) : undefined,
    sequences,
  };
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
