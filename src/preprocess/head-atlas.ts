import { fileURLToPath } from 'node:url';
import { readNifti } from '../formats/index.js';
import { toFloat32, type Volume } from '../volume/volume.js';

/** What heads look like on average, on one grid: made by scripts/make-head-atlas.js. */
export interface HeadAtlas {
  /** Mean of heads drawn with the contrast of a T1 image. */
  readonly image: Volume<Float32Array>;
  /** Share of heads, 0 to 1, whose brain lies at a voxel. */
  readonly brain: Volume<Float32Array>;
}

/** Reads the atlas that comes with the program. */
export async function readHeadAtlas(): Promise<HeadAtlas> {
  const read = async (name: string) => {
    const url = new URL(`../../models/head-atlas/${name}.nii.gz`, import.meta.url);
    return toFloat32((await readNifti(fileURLToPath(url))).volume);
  };
  const brain = await read('brain');
  return {
    image: await read('image'),
    brain: { ...brain, data: brain.data.map((share) => share / 255) },
  };
}
