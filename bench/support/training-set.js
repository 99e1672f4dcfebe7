// A training set in nnU-Net's convention with its cohort table, written case by case.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNifti } from '../../dist/formats/index.js';
import { sequenceLabels, sequenceNames } from '../../dist/preprocess/exam.js';

const labelsOf = (folder, name) => join(folder, 'labelsTr', `${name}.nii.gz`);

/**
 * @param rows of the cohort table, each with the `case` it is of
 * @param optional sequences that a case may lack
 */
export function startTrainingSet(folder, rows, optional = []) {
  for (const part of ['imagesTr', 'labelsTr']) mkdirSync(join(folder, part), { recursive: true });
  const columns = Object.keys(rows[0]);
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  writeFileSync(join(folder, 'cohort.csv'), `${lines.map((line) => line.join(',')).join('\n')}\n`);
  const description = {
    channel_names: Object.fromEntries(
      sequenceNames.map((sequence, at) => [at, sequenceLabels[sequence]]),
    ),
    ...(optional.length > 0 && { optional_channels: optional.map((name) => sequenceLabels[name]) }),
    labels: { background: 0, lesion: 1 },
    file_ending: '.nii.gz',
  };
  writeFileSync(join(folder, 'dataset.json'), JSON.stringify(description));
}

/** Whether a case was written whole: its labels come last. */
export const hasCase = (folder, name) => existsSync(labelsOf(folder, name));

/** The sequences of a prepared exam, 0 outside the brain, and where the lesions are. */
export async function writeCase(folder, name, exam, lesions) {
  for (const [channel, sequence] of sequenceNames.entries()) {
    const image = exam[sequence];
    if (!image) continue;
    const data = image.data.map((value, at) => (exam.brain.data[at] ? value : 0));
    const file = join(folder, 'imagesTr', `${name}_${String(channel).padStart(4, '0')}.nii.gz`);
    await writeNifti(file, { ...image, data });
  }
  await writeNifti(labelsOf(folder, name), lesions);
}
