/** Writes the files that read_written.py reads: node write-files.js FOLDER (after npm run build). */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNifti, writeNifti, writeTransform } from '../../../dist/formats/index.js';
import { likeImages, transforms, volumes } from './written-files.js';

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
const goldens = JSON.parse(readFileSync(new URL('files.json', import.meta.url), 'utf8')).nifti;
for (const [name, volume] of Object.entries(volumes)) await writeNifti(join(folder, name), volume);
for (const [name, original] of Object.entries(likeImages)) {
  const input = join(folder, 'input');
  const { files } = goldens.find((golden) => golden.name === original);
  writeFileSync(input, Buffer.from(files['image.nii'], 'base64'));
  const { volume, header } = await readNifti(input);
  const mask = { ...volume, data: Uint8Array.from(volume.data, (_, voxel) => voxel % 2) };
  await writeNifti(join(folder, name), mask, { like: header });
}
for (const [name, transform] of Object.entries(transforms)) {
  await writeTransform(join(folder, name), transform);
}
