import { predictLesions } from '../segment/lesion-network.js';
import type { Predict } from '../segment/sliding-window.js';
import { seededRandom } from '../volume/random.js';
import { nonZeroVolumeMl } from '../volume/volume.js';
import type { WorkerPool } from '../workers.js';
import { batchesAhead } from './batches-ahead.js';
import type { JudgedCase, judgeCase } from './choose-post-processing.js';
import { type RuleByConfidence, ruleByConfidence } from './rule-by-confidence.js';
import { type BrainExam, renderBrainExam, sampleBrainExam } from './synthesize/brain-exam.js';
import type { Anatomies } from './synthesize/lesion-batches.js';

/** Of the smoothed Dice similarity: the volume of a lesion or two. */
const smoothMl = 0.3;

const headOf = ({ heads }: Anatomies, index: number) => index % heads.length;

/** The validation exam of an index, of heads that training does not see. Runs in a worker. */
export function makeValidationExam(anatomies: Anatomies, seed: number, index: number): BrainExam {
  const random = seededRandom(seed + index);
  const head = anatomies.heads[headOf(anatomies, index)];
  const parameters = sampleBrainExam(random, head, anatomies.library);
  return renderBrainExam(parameters, head, anatomies.library);
}

/**
 * Chooses how probabilities become lesions ({@link ruleByConfidence}) on synthetic exams of heads that
 * training did not see, with all loads and, as in training, a fifth of them without any lesion.
 * @param pool of two workers and more makes the next exam while one is judged
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
    onExam?: (index: number, truthMl: number) => void;
  },
): Promise<
  Omit<RuleByConfidence, 'lesions'> & {
    /** By confidence, the least sure first: lesions found, their mean confidence, the share of real ones. */
    readonly reliability: readonly { lesions: number; confidence: number; real: number }[];
  }
> {
  const judged: JudgedCase[] = [];
  const source = batchesAhead(
    (index) =>
      pool.call<typeof makeValidationExam>(
        new URL('./lesion-validation.js', import.meta.url),
        'makeValidationExam',
        [anatomies, seed, index],
      ),
    { ahead: 1 },
  );
  for (let index = 0; index < exams; index++) {
    const { exam, truth } = await source.nextBatch();
    const probability = await predictLesions(exam, predict, { pool });
    judged.push(
      await pool.call<typeof judgeCase>(
        new URL('./choose-post-processing.js', import.meta.url),
        'judgeCase',
        [probability, truth],
      ),
    );
    onExam?.(index, nonZeroVolumeMl(truth));
  }
  await source.close();
  const heads = judged.map((_, index) => headOf(anatomies, index));
  const { rule, score, lesions } = ruleByConfidence(judged, heads, smoothMl);
  return { rule, score, reliability: reliabilityOf(lesions) };
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
