import { anatomyLabel } from '../volume/anatomy-labels.js';
import { type TissueName, tissue } from './tissues.js';

/** The anatomy label of every tissue of the brain; tissues not named are outside. */
const labelOfTissue: Partial<Record<TissueName, number>> = {
  csf: anatomyLabel.csf,
  ventricle: anatomyLabel.ventricles,
  'choroid plexus': anatomyLabel.ventricles,
  cortex: anatomyLabel.cortex,
  thalamus: anatomyLabel.deepGreyMatter,
  caudate: anatomyLabel.deepGreyMatter,
  putamen: anatomyLabel.deepGreyMatter,
  pallidum: anatomyLabel.deepGreyMatter,
  'hippocampus and amygdala': anatomyLabel.deepGreyMatter,
  'ventral diencephalon': anatomyLabel.deepGreyMatter,
  'white matter': anatomyLabel.whiteMatter,
  brainstem: anatomyLabel.brainstem,
  'cerebellar cortex': anatomyLabel.cerebellum,
  'cerebellar white matter': anatomyLabel.cerebellum,
};

/** A table by tissue number: the anatomy label of the tissue. */
export const anatomyOfTissue: Uint8Array = (() => {
  const table = new Uint8Array(256);
  for (const [name, label] of Object.entries(labelOfTissue)) {
    table[tissue[name as TissueName]] = label;
  }
  return table;
})();
