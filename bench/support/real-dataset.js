// The three real exams with experts' masks as a training set in nnU-Net's convention. T2 is optional.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const realCases = ['open-ms-cs-07', 'open-ms-cs-19', 'mslesseg-P18-T1'];
export const realChannels = ['flair', 't1', 't2'];

/** @param data folder that holds lesions/CASE/{flair,t1,t2,lesions}.nii.gz @returns `folder` */
export function makeRealDataset(data, folder, names = realCases) {
  for (const part of ['imagesTr', 'labelsTr']) mkdirSync(join(folder, part), { recursive: true });
  for (const name of names) {
    const source = (file) => join(data, 'lesions', name, `${file}.nii.gz`);
    for (const [channel, sequence] of realChannels.entries()) {
      const target = join(folder, 'imagesTr', `${name}_000${channel}.nii.gz`);
      if (existsSync(source(sequence))) copyFileSync(source(sequence), target);
    }
    copyFileSync(source('lesions'), join(folder, 'labelsTr', `${name}.nii.gz`));
  }
  const description = {
    channel_names: { 0: 'FLAIR', 1: 'T1', 2: 'T2' },
    optional_channels: ['T2'],
    labels: { background: 0, lesion: 1 },
    numTraining: names.length,
    file_ending: '.nii.gz',
  };
  writeFileSync(join(folder, 'dataset.json'), JSON.stringify(description));
  return folder;
}
