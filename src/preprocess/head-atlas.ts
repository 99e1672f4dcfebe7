import { DawsonError } from '../errors.js';
import { readShippedImage } from '../formats/index.js';
import { invert, type Mat4, multiply } from '../volume/affine.js';
import { resample } from '../volume/resample.js';
import { type Grid, onGrid, toFloat32, type Volume } from '../volume/volume.js';
import type { TissuePriors } from './prepared-exam.js';
import { register } from './register.js';
import { atResolution } from './register-resolution.js';

/** What heads look like on average, on one grid: made by scripts/make-head-atlas.js. */
export interface HeadAtlas {
  /** Mean of heads drawn with the contrast of a T1 image. */
  readonly image: Volume<Float32Array>;
  /** Share of heads, 0 to 1, whose brain, grey matter and white matter lie at a voxel. */
  readonly brain: Volume<Float32Array>;
  readonly gm: Volume<Float32Array>;
  readonly wm: Volume<Float32Array>;
}

/** Reads the atlas that comes with the program. */
export async function readHeadAtlas(): Promise<HeadAtlas> {
  const read = async (name: keyof HeadAtlas) => {
    const { volume } = await readShippedImage(`models/head-atlas/${name}.nii.gz`);
    return toFloat32(volume);
  };
  const shares = async (name: 'brain' | 'gm' | 'wm') => {
    const volume = await read(name);
    return onGrid(
      volume,
      volume.data.map((value) => value / 255),
    );
  };
  return {
    image: await read('image'),
    brain: await shares('brain'),
    gm: await shares('gm'),
    wm: await shares('wm'),
  };
}

/** Least normalised mutual information of a head with the atlas: heads 1.08 and more, noise 1.00. */
const leastLikeness = 1.03;
/**
 * Least likeness of a whole head on which the atlas lies well; with less, other sizes of the atlas are
 * tried. Heads reach 1.082 to 1.13; those much smaller or larger than the atlas end in a wrong pose
 * with 1.05 to 1.073, since the search starts at the atlas's own size.
 */
const goodLikeness = 1.08;
/** Sizes of brains differ by about so much from the mean: 0.6 to 1.6 of its volume. */
const otherSizes = [0.85, 1.18] as const;
/** Finer structure than this differs between heads anyway. */
const workingMm = 2;

/**
 * Lays the atlas onto an image of a head of any contrast, affinely, by mutual information.
 * @param brainExtracted the image shows only the brain; then so does the atlas
 * @returns the map of points of the image to points of the atlas, RAS mm.
 * @throws DawsonError `brain-not-found` when the image is not like a head; `bad-intensities` for an
 *   image without contrast.
 */
export function placeAtlas(
  volume: Volume,
  { image, brain }: HeadAtlas,
  { brainExtracted }: { brainExtracted: boolean },
): Mat4 {
  const moving = brainExtracted
    ? onGrid(
        image,
        image.data.map((value, voxel) => (brain.data[voxel] > 0.5 ? value : 0)),
      )
    : image;
  const fixed = atResolution(volume, workingMm);
  let best = registerOrFail(fixed, moving);
  if (!brainExtracted && best.likeness >= leastLikeness && best.likeness < goodLikeness) {
    for (const size of otherSizes) {
      const other = registerScaled(fixed, moving, size);
      if (other.likeness > best.likeness) best = other;
    }
  }
  if (best.likeness >= leastLikeness) return best.toAtlas;
  throw new DawsonError('brain-not-found', {
    expected: `an image like a head (likeness at least ${leastLikeness})`,
    found: `a likeness of ${best.likeness.toFixed(3)}`,
  });
}

interface Placement {
  readonly toAtlas: Mat4;
  readonly likeness: number;
}

function registerOrFail(image: Volume, atlas: Volume): Placement {
  try {
    return registerScaled(image, atlas, 1);
  } catch (error) {
    if (!(error instanceof DawsonError && error.code === 'registration-failed')) throw error;
    throw new DawsonError('brain-not-found', {
      expected: 'an image like a head',
      found: error.details.found,
    });
  }
}

/** Registers the atlas to the image, starting with the atlas scaled by `size`. */
function registerScaled(image: Volume, atlas: Volume, size: number): Placement {
  const scale: Mat4 = [size, 0, 0, 0, 0, size, 0, 0, 0, 0, size, 0, 0, 0, 0, 1];
  const scaled = { ...atlas, affine: multiply(scale, atlas.affine) };
  const { fixedToMoving, after } = register(image, scaled, {
    dof: 12,
    sameHead: false,
    finestMm: workingMm,
  });
  return { toAtlas: multiply(invert(scale), fixedToMoving), likeness: after.normalised };
}

/** The atlas's tissues on the grid of an image. */
export function tissuePriorsOn(grid: Grid, atlas: HeadAtlas, gridToAtlas: Mat4): TissuePriors {
  const onto = (share: Volume) =>
    resample(share, grid, { toMoving: gridToAtlas }) as Volume<Float32Array>;
  return { gm: onto(atlas.gm), wm: onto(atlas.wm) };
}
