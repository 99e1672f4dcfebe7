import { seededRandom } from '../volume/random.js';
import { inWorker } from '../workers.js';
import { type ExamParameters, renderExam, type SyntheticExam } from './exam.js';
import { listHeads, prepareHead, readLesionLibrary } from './prepare-heads.js';
import { sampleExam } from './sample-exam.js';

/** Where a synthetic exam comes from. */
export interface SynthesisSources {
  /** Holds `heads` (label maps) and `lesions` (masks in lesion space). */
  readonly dataFolder: string;
  /** Prepared heads are kept here. */
  readonly cacheFolder: string;
}

/**
 * The synthetic exam of a seed: the same data and seed give the same exam. A head is chosen, an
 * exam of it sampled and rendered.
 * @param seed a whole number from 0 to 2^32 - 1
 * @param scanner another: exams of one scanner share its protocol, and have all sequences
 */
export async function synthesizeExam(
  seed: number,
  { dataFolder, cacheFolder }: SynthesisSources,
  scanner?: number,
): Promise<{ parameters: ExamParameters; exam: SyntheticExam }> {
  const random = seededRandom(seed);
  const files = await listHeads(dataFolder);
  const head = await prepareHead(files[random.integer(files.length)], cacheFolder);
  const library = await readLesionLibrary(dataFolder);
  const parameters = sampleExam(random, head, library, scanner);
  return { parameters, exam: renderExam(parameters, head, library) };
}

export const synthesizeExamInWorker = inWorker<typeof synthesizeExam>(
  import.meta.url,
  'synthesizeExam',
);
