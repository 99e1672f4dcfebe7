import { join } from 'node:path';
import { readVolume } from '../../dist/formats/index.js';
import { register } from '../../dist/preprocess/register.js';
import { toFloat32 } from '../../dist/volume/volume.js';

const heads = [
  'exams/open-ms-01/study1',
  'exams/open-ms-01/study2',
  'exams/open-ms-03/study2',
  'exams/open-ms-04/study1',
  'exams/tcga-fg-6692',
  'lesions/open-ms-cs-07',
  'lesions/open-ms-cs-19',
  'lesions/mslesseg-P18-T1',
];
/** Whole heads with each other, brains alone with each other. */
const isBrainAlone = (name) => name.startsWith('lesions/');
const person = (name) => name.split('/')[1];

/** Sharpness of rigid registrations of FLAIRs, of one person and of two. */
export async function betweenHeads({ data }) {
  const flairs = new Map();
  for (const name of heads) {
    flairs.set(name, toFloat32((await readVolume(join(data, name, 'flair.nii.gz'))).volume));
  }
  for (const fixed of heads) {
    for (const moving of heads) {
      if (fixed === moving || isBrainAlone(fixed) !== isBrainAlone(moving)) continue;
      const { sharpness } = register(flairs.get(fixed), flairs.get(moving), {
        dof: 6,
        sameHead: false,
      });
      const kind = person(fixed) === person(moving) ? 'one head ' : 'two heads';
      console.log(`${kind}  ${sharpness.toFixed(3)}  ${fixed}, ${moving}`);
    }
  }
}
