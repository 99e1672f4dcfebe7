import type { PairEvaluation } from './evaluate-pair.js';

/** A figure of a case that tables, tests and charts speak of; adding one is adding a row. */
export interface Measure {
  readonly key: string;
  readonly title: string;
  readonly unit?: string;
  readonly digits: number;
  /** Whether it lies between 0 and 1, the margin of an equivalence test being a part of 1. */
  readonly isFraction: boolean;
  /** Whether it is a sum of the paper's Table 4 that is summarised over cases. */
  readonly isSummarised: boolean;
  readonly of: (evaluation: PairEvaluation) => number | null;
}

const fraction = { digits: 2, isFraction: true, isSummarised: true } as const;
const distance = { unit: 'mm', digits: 2, isFraction: false, isSummarised: true } as const;
const count = { digits: 0, isFraction: false, isSummarised: false } as const;
const volume = { unit: 'ml', digits: 3, isFraction: false, isSummarised: false } as const;

export const measures: readonly Measure[] = [
  { key: 'dsc', title: 'DSC', ...fraction, of: ({ dsc }) => dsc },
  {
    key: 'lesion_precision',
    title: 'Lesion precision',
    ...fraction,
    of: ({ lesionwise }) => lesionwise?.precision ?? null,
  },
  {
    key: 'lesion_recall',
    title: 'Lesion recall',
    ...fraction,
    of: ({ lesionwise }) => lesionwise?.recall ?? null,
  },
  {
    key: 'lesion_f1',
    title: 'Lesion F1',
    ...fraction,
    of: ({ lesionwise }) => lesionwise?.f1 ?? null,
  },
  {
    key: 'voxel_precision',
    title: 'Voxel precision',
    ...fraction,
    of: ({ precision }) => precision,
  },
  { key: 'voxel_recall', title: 'Voxel recall', ...fraction, of: ({ recall }) => recall },
  { key: 'jaccard', title: 'Jaccard', ...fraction, of: ({ jaccard }) => jaccard },
  {
    key: 'panoptic_quality',
    title: 'Panoptic quality',
    ...fraction,
    of: ({ lesionwise }) => lesionwise?.panopticQuality ?? null,
  },
  {
    key: 'assd_mm',
    title: 'Average surface distance',
    ...distance,
    of: ({ surface }) => surface?.assdMm ?? null,
  },
  {
    key: 'hd95_mm',
    title: '95th-percentile surface distance',
    ...distance,
    of: ({ surface }) => surface?.hd95Mm ?? null,
  },
  {
    key: 'volume_difference_ml',
    title: 'Volume difference',
    ...volume,
    isSummarised: true,
    digits: 2,
    of: ({ volumes }) => volumes.differenceMl,
  },
  {
    key: 'volume_difference_percent',
    title: 'Volume difference',
    unit: '%',
    digits: 1,
    isFraction: false,
    isSummarised: true,
    of: ({ volumes }) => volumes.differencePercent,
  },
  {
    key: 'hd95_pooled_mm',
    title: '95th percentile, pooled',
    ...distance,
    isSummarised: false,
    of: ({ surface }) => surface?.hd95PooledMm ?? null,
  },
  {
    key: 'reference_ml',
    title: 'Reference volume',
    ...volume,
    of: ({ volumes }) => volumes.referenceMl,
  },
  {
    key: 'prediction_ml',
    title: 'Predicted volume',
    ...volume,
    of: ({ volumes }) => volumes.predictionMl,
  },
  {
    key: 'reference_lesions',
    title: 'Reference lesions',
    ...count,
    of: ({ lesionwise }) => lesionwise?.referenceLesions ?? null,
  },
  {
    key: 'predicted_lesions',
    title: 'Predicted lesions',
    ...count,
    of: ({ lesionwise }) => lesionwise?.predictedLesions ?? null,
  },
  {
    key: 'detected_lesions',
    title: 'Detected lesions',
    ...count,
    of: ({ lesionwise }) => lesionwise?.detectedLesions ?? null,
  },
  {
    key: 'confirmed_lesions',
    title: 'Confirmed lesions',
    ...count,
    of: ({ lesionwise }) => lesionwise?.confirmedLesions ?? null,
  },
];

/** Values of a measure over cases, those that are undefined left out and counted. */
export function valuesOf(
  measure: Measure,
  evaluations: readonly PairEvaluation[],
): { values: number[]; undefinedCount: number } {
  const values = evaluations.map(measure.of).filter((value) => value !== null);
  return { values, undefinedCount: evaluations.length - values.length };
}
