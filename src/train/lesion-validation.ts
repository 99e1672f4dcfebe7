import { type ConfidenceModel, confidenceOf, fitConfidence } from '../segment/lesion-confidence.js';
import { predictLesions } from '../segment/lesion-network.js';
import type { PostProcessing } from '../segment/lesion-rule.js';
import type { Predict } from '../segment/sliding-window.js';
import { seededRandom } from '../volume/random.js';
import { nonZeroVolumeMl } from '../volume/volume.js';
import type { WorkerPool } from '../workers.js';
import { bestRule, isReal, type judgeRules, kept } from './choose-post-processing.js';
import { type BrainExam, renderBrainExam, sampleBrainExam } from './synthesize/brain-exam.js';
import type { Anatomies } from './synthesize/lesion-batches.js';
import { noLesions } from './synthesize/lesions.js';

/** Of the smoothed Dice similarity: the volume of a lesion or two. */
const smoothMl = 0.3;

/** Of so many rounds over the heads the last is without lesions; other exams happen to be. */
const roundsToOneWithout = 4;

/** The validation exam of an index, of heads that training does not see. Runs in a worker. */
export function makeValidationExam(anatomies: Anatomies, seed: number, index: number): BrainExam {
  const random = seededRandom(seed + index);
  const head = anatomies.heads[index % anatomies.heads.length];
  const round = Math.floor(index / anatomies.heads.length);
  const lesions = (round + 1) % roundsToOneWithout === 0 ? noLesions : undefined;
  const parameters = sampleBrainExam(random, head, anatomies.library, lesions);
  return renderBrainExam(parameters, head, anatomies.library);
}

/**
 * Chooses how probabilities become lesions: the rule of the largest mean of Dice similarity and
 * lesion-wise F1, both smoothed (docs/decisions/0083), over synthetic exams of heads that training did
 * not see, with all loads and without any lesion. Then
 * learns from what the rule finds in them how likely a lesion of its kind is a real one.
 */
export async function chooseLesionRule(
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
    onExam?: (index: number, truthMl: number, dice: number) => void;
  },
): Promise<{
  rule: PostProcessing;
  meanDice: number;
  meanF1: number;
  confidence: ConfidenceModel;
  /** By confidence, the least sure first: lesions found, their mean confidence, the share of real ones. */
  reliability: readonly { lesions: number; confidence: number; real: number }[];
}> {
  const judged: Awaited<ReturnType<typeof judgeRules>>[] = [];
  for (let index = 0; index < exams; index++) {
    const { exam, truth } = await pool.call<typeof makeValidationExam>(
      new URL('./lesion-validation.js', import.meta.url),
      'makeValidationExam',
      [anatomies, seed, index],
    );
    const probability = await predictLesions(exam, predict, { pool });
    const ofExam = await pool.call<typeof judgeRules>(
      new URL('./choose-post-processing.js', import.meta.url),
      'judgeRules',
      [probability, truth, smoothMl],
    );
    judged.push(ofExam);
    onExam?.(index, nonZeroVolumeMl(truth), Math.max(...ofExam.dice));
  }
  const { rule, index } = bestRule(
    judged.map(({ dice, detection }) => dice.map((value, at) => (value + detection[at]) / 2)),
  );
  const meanOf = (of: (exam: (typeof judged)[number]) => number) =>
    judged.reduce((sum, exam) => sum + of(exam), 0) / judged.length;
  const lesionsOf = (exam: number) =>
    kept(judged[exam].componentsByThreshold.get(rule.threshold)!, rule).map((component) => ({
      ...component,
      real: isReal(component),
    }));
  const all = judged.map((_, exam) => lesionsOf(exam));
  // Each exam is judged by a fit to the others.
  const confidences = all.flatMap((lesions, exam) => {
    const others = fitConfidence(all.filter((_, other) => other !== exam).flat());
    return lesions.map((lesion) => ({ ...lesion, confidence: confidenceOf(others, lesion) }));
  });
  return {
    rule,
    meanDice: meanOf(({ dice }) => dice[index]),
    meanF1: meanOf(({ detection }) => detection[index]),
    confidence: fitConfidence(all.flat()),
    reliability: reliabilityOf(confidences),
  };
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
