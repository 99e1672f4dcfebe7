// The three real exams with experts' masks as a training set in nnU-Net's convention. T2 is optional.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readVolume } from '../../dist/formats/index.js';
import { onGrid, toFloat32 } from '../../dist/volume/volume.js';

export const realCases = ['open-ms-cs-07', 'open-ms-cs-19', 'mslesseg-P18-T1'];
/** In the order of Dawson's own lesion network. */
export const realChannels = ['flair', 't2', 't1'];

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
    channel_names: { 0: 'FLAIR', 1: 'T2', 2: 'T1' },
    optional_channels: ['T2'],
    labels: { background: 0, lesion: 1 },
    numTraining: names.length,
    file_ending: '.nii.gz',
  };
  writeFileSync(join(folder, 'dataset.json'), JSON.stringify(description));
  return folder;
}

/** A case as an exam, brain-extracted and on one grid, with the experts' mask. */
export async function readRealCase(data, name) {
  const read = async (image) => {
    const file = join(data, 'lesions', name, `${image}.nii.gz`);
    return existsSync(file) ? toFloat32((await readVolume(file)).volume) : undefined;
  };
  const mask = (volume) =>
    onGrid(
      volume,
      Uint8Array.from(volume.data, (value) => (value !== 0 ? 1 : 0)),
    );
  const [flair, t2, t1, lesions] = await Promise.all(['flair', 't2', 't1', 'lesions'].map(read));
  return { exam: { flair, t2, t1, brain: mask(flair) }, experts: mask(lesions) };
}
