import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNifti } from '../../src/formats/index.js';
import { makePhantom, someLesions } from '../segment/phantom.js';

/** A BIDS data set of phantoms that are brain-extracted and registered: people with visits. */
export async function writeBidsDataSet(
  folder: string,
  visits: Readonly<Record<string, readonly (readonly [visit: string, lesions: number])[]>>,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const description = { Name: 'Phantoms', BIDSVersion: '1.10.0' };
  writeFileSync(join(folder, 'dataset_description.json'), JSON.stringify(description));
  let seed = 1;
  for (const [subject, sessions] of Object.entries(visits)) {
    for (const [session, lesions] of sessions) {
      const name = `sub-${subject}_ses-${session}`;
      const anat = join(folder, `sub-${subject}`, `ses-${session}`, 'anat');
      mkdirSync(anat, { recursive: true });
      const { exam } = makePhantom({ lesions: someLesions.slice(0, lesions), seed: seed++ });
      await writeNifti(join(anat, `${name}_FLAIR.nii.gz`), exam.flair);
      await writeNifti(join(anat, `${name}_T1w.nii.gz`), exam.t1);
    }
  }
}
