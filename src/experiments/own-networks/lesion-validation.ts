import type { Predict } from '../../model/sliding-window.js';
import { predictLesions } from '../../segment/lesions/lesion-network.js';
import {
  type BrainExam,
  inSlicesOfFlair,
  renderBrainExam,
  sampleBrainExam,
} from '../../synthesize/brain-exam.js';
import { batchesAhead } from '../../train/batches-ahead.js';
import {
  type Component,
  isReal,
  type JudgedCase,
  judgeCaseInWorker,
  lesionsHit,
  type Score,
} from '../../train/choose-post-processing.js';
import { voxelSizeMm } from '../../volume/affine.js';
import { seededRandom } from '../../volume/random.js';
import { type Mask, nonZeroVolumeMl, type Volume } from '../../volume/volume.js';
import { inWorker, type WorkerPool } from '../../workers.js';
import type { Anatomies } from './lesion-batches.js';
import {
  type RuleByConfidence,
  ruleByConfidence,
  type ValidationExam,
} from './rule-by-confidence.js';

/** What smooths the Dice similarity: the volume of a lesion or two. */
const smoothMl = 0.3;

const headOf = ({ heads }: Anatomies, index: number) => index % heads.length;

/** The validation exam of an index, in slices of its own, of heads that training does not see. Runs in a worker. */
export function makeValidationExam(anatomies: Anatomies, seed: number, index: number): BrainExam {
  const random = seededRandom(seed + index);
  const head = anatomies.heads[headOf(anatomies, index)];
  const parameters = sampleBrainExam(random, head, anatomies.library);
  const rendered = renderBrainExam(parameters, head, anatomies.library);
  return inSlicesOfFlair(rendered, parameters);
}

export const makeValidationExamInWorker = inWorker<typeof makeValidationExam>(
  import.meta.url,
  'makeValidationExam',
);

/**
 * Synthetic exams of heads that training did not see, with all loads and, as in training, a fifth of them
 * without any lesion, as a network sees them.
 * @param pool of two workers and more makes the next exam while one is judged
 */
export async function judgeSyntheticExams(
  anatomies: Anatomies,
  predict: Predict,
  {
    exams,
    seed,
    pool,
    onExam,
  }: {
    exams: number;
    seed: number;
    pool: WorkerPool;
    onExam?: (index: number, truthMl: number) => void;
  },
): Promise<ValidationExam[]> {
  const judged: ValidationExam[] = [];
  const source = batchesAhead(
    (index) => makeValidationExamInWorker({ pool }, anatomies, seed, index),
    { ahead: 1 },
  );
  for (let index = 0; index < exams; index++) {
    const { exam, truth } = await source.nextBatch();
    const probability = await predictLesions(exam, predict, { pool });
    const group = `head ${headOf(anatomies, index)}`;
    judged.push(await validationExam(probability, truth, group, false, pool));
    onExam?.(index, nonZeroVolumeMl(truth));
  }
  await source.close();
  return judged;
}

/** What a network found in an exam, for {@link chooseLesionRule}. */
export async function validationExam(
  probability: Volume,
  truth: Mask,
  group: string,
  isReal: boolean,
  pool: WorkerPool,
): Promise<ValidationExam> {
  const judged = await judgeCaseInWorker({ pool }, probability, truth);
  return { judged, group, isReal, sliceMm: Math.max(...voxelSizeMm(truth.affine)) };
}

/** A rule, and what can be said of it. */
export interface ChosenRule extends RuleByConfidence {
  /** By confidence, the least sure first: lesions found, their mean confidence, the share of real ones. */
  readonly reliability: readonly { lesions: number; confidence: number; real: number }[];
  readonly bySize: readonly DetectionOfSize[];
}

/** Between slices that show what is normal as thin ones do, and as thick ones do (docs/decisions/0099). */
const thinUpToMm = 5;

/**
 * Chooses how probabilities become lesions ({@link ruleByConfidence}): in exams of thin and of thick slices apart,
 * where there are both, and in each by real exams alone, where there are any (docs/decisions/0113).
 */
export function chooseLesionRule(exams: readonly ValidationExam[]): ChosenRule {
  const isThin = ({ sliceMm }: ValidationExam) => sliceMm <= thinUpToMm;
  const thin = realOrAll(exams.filter(isThin));
  const thick = realOrAll(exams.filter((exam) => !isThin(exam)));
  if (thin.length === 0) return described(thick, ruleByConfidence(thick, smoothMl));
  if (thick.length === 0) return described(thin, ruleByConfidence(thin, smoothMl));
  const [ofThin, ofThick] = [thin, thick].map((part) => ruleByConfidence(part, smoothMl));
  const { threshold, confidence } = ofThin.rule;
  return described([...thick, ...thin], {
    rule: { ...ofThick.rule, thinSlices: { upToMm: thinUpToMm, threshold, confidence } },
    score: meanScore([ofThick, ofThin]),
    found: [...ofThick.found, ...ofThin.found],
  });
}

function realOrAll(exams: readonly ValidationExam[]): readonly ValidationExam[] {
  const real = exams.filter(({ isReal }) => isReal);
  return real.length > 0 ? real : exams;
}

/** Thin and thick slices count alike. */
function meanScore(parts: readonly RuleByConfidence[]): Score {
  const mean = (of: (score: Score) => number) =>
    parts.reduce((sum, { score }) => sum + of(score), 0) / parts.length;
  return { dice: mean(({ dice }) => dice), detection: mean(({ detection }) => detection) };
}

/** @param exams in the order of what was found in them */
function described(exams: readonly ValidationExam[], chosen: RuleByConfidence): ChosenRule {
  const { found } = chosen;
  return {
    ...chosen,
    reliability: reliabilityOf(found.flat()),
    bySize: detectionBySize(
      exams.map(({ judged }) => judged),
      found,
    ),
  };
}

/** Lesions larger than `fromMm3`, up to `toMm3`. */
export interface DetectionOfSize {
  readonly fromMm3: number;
  readonly toMm3: number;
  /** Lesions of the reference, and how many of them are found. */
  readonly lesions: number;
  readonly hit: number;
  /** What the rule finds of this size, and how many of that is real. */
  readonly found: number;
  readonly real: number;
}

const boundsMm3 = [0, 3, 14, 50, 200, 1000, Number.POSITIVE_INFINITY];

/** How many lesions are found, and how much of what is found is real, by size. */
export function detectionBySize(
  cases: readonly Omit<JudgedCase, 'componentsByThreshold'>[],
  found: readonly (readonly Component[])[],
): DetectionOfSize[] {
  const lesions = cases.flatMap(({ voxelMl, lesionSizesVoxels }, index) => {
    const hit = lesionsHit(lesionSizesVoxels, found[index]);
    return Array.from(lesionSizesVoxels, (voxels, lesion) => ({
      mm3: 1000 * voxels * voxelMl,
      good: hit[lesion] === 1,
    })).slice(1);
  });
  const marks = found.flat().map((component) => ({
    mm3: 1000 * component.volumeMl,
    good: isReal(component),
  }));
  return boundsMm3.slice(1).map((toMm3, index) => {
    const fromMm3 = boundsMm3[index];
    const [ofReference, ofFound] = [lesions, marks].map((all) =>
      all.filter(({ mm3 }) => mm3 > fromMm3 && mm3 <= toMm3),
    );
    return {
      fromMm3,
      toMm3,
      lesions: ofReference.length,
      hit: ofReference.filter(({ good }) => good).length,
      found: ofFound.length,
      real: ofFound.filter(({ good }) => good).length,
    };
  });
}

const reliabilityBins = 5;

function reliabilityOf(lesions: readonly { confidence: number; real: boolean }[]) {
  const sorted = lesions.toSorted((a, b) => a.confidence - b.confidence);
  const perBin = Math.max(1, Math.ceil(sorted.length / reliabilityBins));
  const bins = Array.from({ length: Math.ceil(sorted.length / perBin) }, (_, bin) =>
    sorted.slice(bin * perBin, (bin + 1) * perBin),
  );
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return bins.map((bin) => ({
    lesions: bin.length,
    confidence: mean(bin.map(({ confidence }) => confidence)),
    real: mean(bin.map(({ real }) => Number(real))),
  }));
}
