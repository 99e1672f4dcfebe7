import { segmentLstLgaInWorker } from './lst-lga/lst-lga.js';
import { openLesionNetwork, openNnunet } from './nnunet/open-nnunet.js';
import type { Open } from './segmenter.js';

/** Every segmenter that can be chosen; adding one is adding a row. */
export const segmenters = {
  lesions: {
    title: 'Dawson’s own network, trained on synthetic exams; FLAIR, better with T1 and T2',
    open: openLesionNetwork,
  },
  'lst-lga': {
    title: 'lesion growth algorithm (Schmidt et al. 2012); FLAIR, better with T1; no training',
    open: async ({ kappa = 0.3 }) => ({
      settings: { kappa },
      segment: (exam, run) =>
        run.stage('segment', () => segmentLstLgaInWorker(run, exam, { kappa })),
    }),
  },
  nnunet: {
    title: 'a trained network of nnU-Net’s kind, from the folder given with --model',
    open: openNnunet,
  },
} as const satisfies Record<string, { readonly title: string; readonly open: Open }>;

export type SegmenterName = keyof typeof segmenters;
