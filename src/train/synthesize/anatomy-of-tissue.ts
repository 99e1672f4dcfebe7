import { type TissueName, tissue } from './tissues.js';

/** Tissues of the brain by the label that they have in an anatomy: see anatomyLabels. */
const tissuesOfLabel: readonly (readonly TissueName[])[] = [
  [],
  ['csf', 'vessel', 'dura'],
  ['ventricle', 'choroid plexus'],
  ['cortex', 'hippocampus and amygdala'],
  ['thalamus', 'caudate', 'putamen', 'pallidum'],
  ['white matter'],
  ['brainstem', 'ventral diencephalon'],
  ['cerebellar cortex', 'cerebellar white matter'],
];

/** The label of each tissue number; what is no brain, but inside of its surface, counts as CSF. */
export const anatomyOfTissue = new Uint8Array(256).fill(1);
for (const [label, names] of tissuesOfLabel.entries()) {
  for (const name of names) anatomyOfTissue[tissue[name]] = label;
}
