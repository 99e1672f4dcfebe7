import { availableParallelism } from 'node:os';
import { DawsonError, requireOneOf } from './errors.js';
import type { GivenDescription } from './preprocess/exam-description.js';
import type { PrepareOptions } from './preprocess/prepare.js';
import { type ReportInput, requireReportOptions } from './report/clinical/report-input.js';
import { defaultNnunetOptions } from './segment/nnunet/nnunet.js';
import type { SegmenterChoice } from './segment/segmenter.js';
import { type SegmenterName, segmenters } from './segment/segmenters.js';
import { withDefaults } from './with-defaults.js';

/** How an exam is analysed. */
export interface AnalysisSettings extends PrepareOptions, SegmenterChoice {
  readonly segmenter: SegmenterName;
  /** Go on with a sequence that surely is not what it is said to be. */
  readonly ignoreQuality: boolean;
  /** What is said about the exam besides the descriptions beside the FLAIR. */
  readonly described?: GivenDescription;
  /** Language and paper of the report; none is made for `false`. */
  readonly report: Pick<ReportInput, 'language' | 'paper'> | false;
}

/** What a caller says about an analysis; the defaults stand for the rest. */
export type AnalyzeOptions = Partial<AnalysisSettings>;

/** What is done where nothing is said. */
export const analysisDefaults = {
  ...defaultNnunetOptions,
  preparation: true,
  engine: { device: 'cpu', threads: availableParallelism() },
  alignment: 'affine-to-flair',
  brainExtracted: false,
  registered: false,
  ignoreQuality: false,
  report: { language: 'en', paper: 'a4' },
} as const;

/**
 * The settings of an analysis. A model folder chooses its segmenter, and so does a belief of LST-LGA.
 * @throws DawsonError `usage` where the two contradict each other, and for values that are none: a
 *   program may get them from elsewhere, and would else be told after a minute.
 */
export function settingsOf(options: AnalyzeOptions): AnalysisSettings {
  const chosen =
    options.model !== undefined ? 'nnunet' : options.kappa !== undefined ? 'lst-lga' : 'lesions';
  const { segmenter = chosen } = options;
  requireSegmenter('--kappa', options.kappa, 'lst-lga', segmenter);
  requireSegmenter('--model', options.model, 'nnunet', segmenter);
  requireOneOf('segmenter', segmenter, Object.keys(segmenters));
  const { kappa, preparation, report } = options;
  if (kappa !== undefined && !(kappa > 0 && kappa < 1)) {
    throw new DawsonError('usage', { expected: 'a kappa between 0 and 1', found: `${kappa}` });
  }
  const { stepSize = defaultNnunetOptions.stepSize } = options;
  if (!(stepSize > 0 && stepSize <= 1)) {
    throw new DawsonError('usage', { expected: 'a step above 0, at most 1', found: `${stepSize}` });
  }
  if (report) requireReportOptions(report);
  requireSegmenter('--no-mirror', options.mirror === false || undefined, 'nnunet', segmenter);
  requireSegmenter('--step-size', options.stepSize, 'nnunet', segmenter);
  requireSegmenter('--no-preparation', preparation === false || undefined, 'nnunet', segmenter);
  // What is laid over each other voxel by voxel is registered.
  const asRead = preparation === false && { registered: true };
  return { ...withDefaults(analysisDefaults, options), ...asRead, stepSize, segmenter };
}

function requireSegmenter(
  option: string,
  value: unknown,
  needed: SegmenterName,
  chosen: SegmenterName,
): void {
  if (value === undefined || chosen === needed) return;
  throw new DawsonError('usage', {
    expected: `${option} together with the segmenter ${needed}`,
    found: `--segmenter ${chosen}`,
  });
}
