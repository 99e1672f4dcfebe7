/**
 * What a synthetic head is made of. Labels are FreeSurfer's, and from 500 on those of the heads'
 * extra-cerebral structures. Intensities are typical ones of clinical images at 1.5 to 3 T on a
 * scale on which the brain lies below 1; FLAIR is taken with fat saturation half of the time, so
 * fat stands at a middle value here.
 */
export interface Tissue {
  readonly name: string;
  /** Labels of the label map that are this tissue; empty for tissues found from their position. */
  readonly labels: readonly number[];
  readonly flair: number;
  readonly t1: number;
  readonly t2: number;
}

/** The tissues; a tissue's number is its place in this list, and 0 is air. */
export const tissues = [
  { name: 'air', labels: [0], flair: 0, t1: 0, t2: 0 },
  { name: 'csf', labels: [24], flair: 0.12, t1: 0.2, t2: 0.95 },
  { name: 'ventricle', labels: [4, 43, 5, 44, 14, 15, 72], flair: 0.1, t1: 0.18, t2: 1 },
  // White-matter hypointensities (25, 57) of healthy heads stay plain white matter.
  { name: 'white matter', labels: [2, 41, 25, 57, 85], flair: 0.6, t1: 0.85, t2: 0.36 },
  { name: 'cortex', labels: [3, 42], flair: 0.72, t1: 0.6, t2: 0.52 },
  { name: 'cerebellar cortex', labels: [8, 47], flair: 0.7, t1: 0.58, t2: 0.5 },
  { name: 'cerebellar white matter', labels: [7, 46], flair: 0.58, t1: 0.84, t2: 0.36 },
  { name: 'thalamus', labels: [10, 49], flair: 0.66, t1: 0.7, t2: 0.42 },
  { name: 'caudate', labels: [11, 50, 26, 58], flair: 0.71, t1: 0.62, t2: 0.47 },
  { name: 'putamen', labels: [12, 51], flair: 0.68, t1: 0.66, t2: 0.44 },
  { name: 'pallidum', labels: [13, 52], flair: 0.56, t1: 0.78, t2: 0.32 },
  { name: 'hippocampus and amygdala', labels: [17, 18, 53, 54], flair: 0.75, t1: 0.6, t2: 0.53 },
  { name: 'brainstem', labels: [16], flair: 0.61, t1: 0.8, t2: 0.39 },
  { name: 'ventral diencephalon', labels: [28, 60], flair: 0.61, t1: 0.78, t2: 0.38 },
  { name: 'choroid plexus', labels: [136, 163, 137, 164], flair: 0.5, t1: 0.4, t2: 0.75 },
  { name: 'vessel', labels: [30, 62, 502], flair: 0.2, t1: 0.45, t2: 0.15 },
  { name: 'muscle', labels: [507, 508], flair: 0.25, t1: 0.42, t2: 0.16 },
  { name: 'fat', labels: [], flair: 0.4, t1: 1.25, t2: 0.8 },
  { name: 'sinus and fat', labels: [514], flair: 0.35, t1: 0.6, t2: 0.35 },
  { name: 'eyeball', labels: [506], flair: 0.1, t1: 0.2, t2: 1 },
  { name: 'mucosa', labels: [509], flair: 0.65, t1: 0.5, t2: 0.75 },
  { name: 'spinal cord', labels: [512, 530], flair: 0.55, t1: 0.7, t2: 0.4 },
  { name: 'skin', labels: [511], flair: 0.28, t1: 0.4, t2: 0.25 },
  { name: 'bone', labels: [515, 516], flair: 0.05, t1: 0.07, t2: 0.04 },
  { name: 'marrow', labels: [], flair: 0.22, t1: 0.5, t2: 0.3 },
  { name: 'dura', labels: [], flair: 0.3, t1: 0.35, t2: 0.25 },
] as const satisfies readonly Tissue[];

export type TissueName = (typeof tissues)[number]['name'];

/** Number of a tissue. */
export const tissue = Object.fromEntries(tissues.map(({ name }, index) => [name, index])) as Record<
  TissueName,
  number
>;

/** A table by tissue number: 1 for the tissues named. */
export function isOneOf(...names: TissueName[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const name of names) table[tissue[name]] = 1;
  return table;
}

/** Where lesions of multiple sclerosis are placed. */
export const carriesLesions = isOneOf(
  'white matter',
  'cerebellar white matter',
  'brainstem',
  'ventral diencephalon',
);

export const isFluid = isOneOf('csf', 'ventricle');

/** What the brain is made of, without the fluid around it. */
export const isBrain = isOneOf(
  'ventricle',
  'white matter',
  'cortex',
  'cerebellar cortex',
  'cerebellar white matter',
  'thalamus',
  'caudate',
  'putamen',
  'pallidum',
  'hippocampus and amygdala',
  'brainstem',
  'ventral diencephalon',
  'choroid plexus',
);
