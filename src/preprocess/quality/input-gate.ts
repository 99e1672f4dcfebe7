import { DawsonError } from '../../errors.js';
import type { Remark } from '../../remarks.js';
import type { Run } from '../../run.js';
import type { Exam } from '../exam.js';
import { sequenceLabels, sequencesOf } from '../exam.js';
import { readHeadAtlas } from '../head-atlas.js';
import type { Preparation } from '../prepare.js';
import { type CheckedExam, checkExamInWorker } from './check-exam.js';

/**
 * Checks a prepared exam before it is segmented.
 * @param options.ignoreQuality go on with sequences that surely are not what they are said to be
 * @returns everything that stands out; see {@link checkExam}.
 * @throws DawsonError `wrong-sequence` when a sequence surely is another one.
 */
export async function inputGate(
  exam: Exam,
  preparation: Preparation,
  { ignoreQuality }: { readonly ignoreQuality: boolean },
  run: Run,
): Promise<Remark[]> {
  const checked: CheckedExam = {
    sequences: sequencesOf(exam).map((name) => ({
      name,
      volume: exam[name]!.volume,
      referenceToSequence: preparation.transforms[name]!,
    })),
    brain: preparation.exam.brain,
    tissuePriors: preparation.exam.tissuePriors,
    referenceToAtlas: preparation.referenceToAtlas,
    atlasBrain: (await readHeadAtlas()).brain,
  };
  const findings = await run.stage('check the images', () => checkExamInWorker(run, checked));
  if (!ignoreQuality) requireRightSequences(findings, exam);
  return findings;
}

function requireRightSequences(findings: readonly Remark[], exam: Exam): void {
  const wrong = findings.filter(({ code }) => code === 'wrong-sequence');
  if (wrong.length === 0) return;
  const [{ sequence }] = wrong;
  throw new DawsonError('wrong-sequence', {
    file: exam[sequence!]!.file,
    expected: `a ${sequenceLabels[sequence!]}`,
    found: `another contrast: ${wrong.map(({ text }) => text).join(' ')}`,
  });
}
