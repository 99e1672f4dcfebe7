/**
 * Labels of an anatomy label map: what locating lesions needs to know of a brain. Hippocampus,
 * amygdala and ventral diencephalon count as deep grey matter, the choroid plexus as ventricles.
 */
export const anatomyLabel = {
  outside: 0,
  csf: 1,
  ventricles: 2,
  cortex: 3,
  deepGreyMatter: 4,
  whiteMatter: 5,
  brainstem: 6,
  cerebellum: 7,
} as const;

/** What the labels stand for; 0, outside of the brain, has no name. */
export const anatomyNames: ReadonlyMap<number, string> = new Map([
  [anatomyLabel.csf, 'cerebrospinal fluid'],
  [anatomyLabel.ventricles, 'ventricles'],
  [anatomyLabel.cortex, 'cerebral cortex'],
  [anatomyLabel.deepGreyMatter, 'deep grey matter'],
  [anatomyLabel.whiteMatter, 'cerebral white matter'],
  [anatomyLabel.brainstem, 'brainstem'],
  [anatomyLabel.cerebellum, 'cerebellum'],
]);
