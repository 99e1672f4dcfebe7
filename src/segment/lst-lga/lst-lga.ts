import { msseg } from '../../model/lesion-rule.js';
import type { PreparedExam } from '../../preprocess/prepared-exam.js';
import { type Remark, remark } from '../../remarks.js';
import { correctBiasField } from '../../volume/bias-field.js';
import { cropTo, paddedBox, pasteInto } from '../../volume/box.js';
import { winsorised } from '../../volume/outliers.js';
import type { Volume } from '../../volume/volume.js';
import { inWorker } from '../../workers.js';
import { emptyBrain } from '../brain-contrast.js';
import type { Segmentation } from '../segmenter.js';
import { beliefMaps } from './beliefs.js';
import { findSeeds, growLesions, tidyLesions } from './growth.js';
import { segmentTissues, type TissueContrast, tissueNames } from './tissue.js';

export interface LstLgaOptions {
  /** Belief from which a voxel is a seed; higher finds fewer lesions. 0.3 by default, as in LST. */
  readonly kappa?: number;
  /** Probability from which a voxel is lesion; 0.5 by default. */
  readonly threshold?: number;
}

/**
 * The lesion growth algorithm of Schmidt et al. 2012 (doi 10.1016/j.neuroimage.2011.11.032), which
 * the Lesion Segmentation Toolbox calls LGA: tissues from the T1, lesion beliefs from the FLAIR,
 * seeds where the belief is strong, growth along weaker belief. Needs no training; where the exam
 * carries tissue priors of an atlas they are used, as the original uses those of SPM.
 * docs/methods/lst-lga.md says where it departs from the original.
 *
 * Outliers of an image in the brain count as their bounds: the fits of tissues and lesions are means.
 *
 * Without T1 the tissues come from the T2, without T2 from the FLAIR; `notes` says so. Slow: seconds
 * for a head. Takes about 60 bytes for each voxel of the brain's box.
 * @throws RangeError when kappa or the threshold is not between 0 and 1.
 * @throws DawsonError `segmentation-failed` when the brain is empty or no image shows three tissues;
 *   `bad-intensities` when an image has no signal in the brain.
 */
export function segmentLstLga(
  exam: PreparedExam,
  { kappa = 0.3, threshold = 0.5 }: LstLgaOptions = {},
): Segmentation {
  if (!(kappa > 0 && kappa < 1)) throw new RangeError(`kappa ${kappa}: expected between 0 and 1`);
  if (!(threshold > 0 && threshold <= 1)) {
    throw new RangeError(`threshold ${threshold}: expected above 0, at most 1`);
  }
  const box = paddedBox(exam.brain);
  if (!box) throw emptyBrain();
  const brain = cropTo(exam.brain, box);
  const [contrast, image, notes] = tissueImage(exam);
  const priors = exam.tissuePriors && {
    gm: cropTo(exam.tissuePriors.gm, box),
    wm: cropTo(exam.tissuePriors.wm, box),
  };
  const inBox = (volume: Volume<Float32Array>) => winsorised(cropTo(volume, box), brain);
  const tissues = segmentTissues(inBox(image), brain, contrast, priors);
  const flair = correctBiasField(inBox(exam.flair), brain).corrected;
  const beliefs = beliefMaps(flair, brain, tissues, priors?.wm);
  // That a lesion looks like grey matter is seen in the T1 or T2; a FLAIR alone cannot say it.
  const seeds = findSeeds(
    tissues.separatesGreyFromWhite ? beliefs.greyMatter : beliefs.total,
    kappa,
  );
  const lesions = tidyLesions(growLesions(beliefs, seeds), brain);
  return {
    probability: pasteInto(exam.flair, lesions, box),
    rule: { ...msseg, threshold },
    tissues: {
      ...pasteInto(exam.flair, tissues.labels, box),
      names: tissueNames,
    },
    notes,
  };
}

export const segmentLstLgaInWorker = inWorker<typeof segmentLstLga>(
  import.meta.url,
  'segmentLstLga',
);

/** The image that tells the tissues apart, and what has to be said about the choice. */
function tissueImage({
  flair,
  t2,
  t1,
}: PreparedExam): [TissueContrast, Volume<Float32Array>, Remark[]] {
  if (t1) return ['T1', t1, t2 ? [remark('lst-lga-t2-not-used')] : []];
  if (t2) return ['T2', t2, [remark('lst-lga-without-t1')]];
  return ['FLAIR', flair, [remark('lst-lga-flair-alone')]];
}
