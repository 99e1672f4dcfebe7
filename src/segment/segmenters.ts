import type { PreparedExam } from '../preprocess/prepared-exam.js';
import type { Segmentation } from './segmenter.js';

/** Where the exported function of a segmenter is, so that a worker can run it. */
interface SegmenterRow {
  readonly module: URL;
  readonly run: string;
  readonly title: string;
  /** Settings by which a user can steer it, and their values when nothing is asked for. */
  readonly settings: SegmenterSettings;
}

/** Settings of a segmenter by name; they are recorded in the findings. */
export type SegmenterSettings = Readonly<Record<string, number>>;

/** Every segmenter that can be chosen; adding one is adding a row. */
export const segmenters = {
  'lst-lga': {
    module: new URL('./lst-lga.js', import.meta.url),
    run: 'segmentLstLga',
    title: 'lesion growth algorithm (Schmidt et al. 2012); FLAIR, better with T1; no training',
    settings: { kappa: 0.3 },
  },
} as const satisfies Record<string, SegmenterRow>;

export type SegmenterName = keyof typeof segmenters;
/** What each of them does: from a prepared exam to lesion probabilities on the same grid. */
export type Segmenter = (exam: PreparedExam, settings: SegmenterSettings) => Segmentation;
