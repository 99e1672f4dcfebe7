import { predictLesions } from '../segment/lesion-network.js';
import type { PostProcessing } from '../segment/lesion-rule.js';
import type { Predict } from '../segment/sliding-window.js';
import { seededRandom } from '../volume/random.js';
import { nonZeroVolumeMl } from '../volume/volume.js';
import type { WorkerPool } from '../workers.js';
import { bestRule, type diceByRule } from './choose-post-processing.js';
import { type BrainExam, renderBrainExam, sampleBrainExam } from './synthesize/brain-exam.js';
import type { Anatomies } from './synthesize/lesion-batches.js';

/** See {@link diceByRule}: the volume of a lesion or two. */
const smoothMl = 0.3;

/** The validation exam of an index, of heads that training does not see. Runs in a worker. */
export function makeValidationExam(anatomies: Anatomies, seed: number, index: number): BrainExam {
  const random = seededRandom(seed + index);
  const head = anatomies.heads[index % anatomies.heads.length];
  const parameters = sampleBrainExam(random, head, anatomies.library);
  return renderBrainExam(parameters, head, anatomies.library);
}

/**
 * Chooses how probabilities become lesions: the rule of the largest mean Dice similarity, smoothed,
 * over synthetic exams of heads that training did not see, with all loads and without any lesion.
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
): Promise<{ rule: PostProcessing; meanDice: number }> {
  const dice: Float64Array[] = [];
  for (let index = 0; index < exams; index++) {
    const { exam, truth } = await pool.call<typeof makeValidationExam>(
      new URL('./lesion-validation.js', import.meta.url),
      'makeValidationExam',
      [anatomies, seed, index],
    );
    const probability = await predictLesions(exam, predict, { pool });
    const ofExam = await pool.call<typeof diceByRule>(
      new URL('./choose-post-processing.js', import.meta.url),
      'diceByRule',
      [probability, truth, smoothMl],
    );
    dice.push(ofExam);
    onExam?.(index, nonZeroVolumeMl(truth), Math.max(...dice[index]));
  }
  return bestRule(dice);
}
