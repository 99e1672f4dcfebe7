import { DawsonError } from '../errors.js';
import type { Mat4 } from '../volume/affine.js';
import type { LabelMap, Mask, Volume } from '../volume/volume.js';
import type { WorkerPool } from '../workers.js';
import { nonZeroBrain } from './brain-extracted.js';
import type { findBrain, PlacedHead, placeHead } from './extract-brain.js';
import { readHeadAtlas } from './head-atlas.js';

/** The brain and its parts as a network sees them, on the grid of the image. */
export interface SeenAnatomy {
  readonly brain: Mask;
  readonly labels: LabelMap<Uint8Array>;
}

/**
 * A network that tells the brain and its parts in an image of a head.
 * @param toAtlas maps points of the image to points of the head atlas, RAS mm
 */
export type FindAnatomy = (
  image: Volume,
  toAtlas: Mat4,
  signal?: AbortSignal,
) => Promise<SeenAnatomy>;

/** A head on which the atlas lies, and its brain. */
export interface FoundHead extends PlacedHead {
  readonly brain: Mask;
  /** Where a network told the parts of the brain. */
  readonly anatomy?: LabelMap<Uint8Array>;
  /** Why it did not, where it was asked. */
  readonly note?: string;
}

/**
 * Lays the atlas onto a head and finds the brain: by the network where there is one, else by
 * {@link findBrain}, which is also asked when what the network sees cannot be a brain.
 * @param brainExtracted the image shows only the brain: that is what is not 0
 * @throws DawsonError `brain-not-found`, `bad-intensities`; what else the network throws.
 */
export async function findHead(
  image: Volume,
  brainExtracted: boolean,
  { pool, signal }: { readonly pool: WorkerPool; readonly signal?: AbortSignal },
  findAnatomy?: FindAnatomy,
): Promise<FoundHead> {
  const module = new URL('./extract-brain.js', import.meta.url);
  const input: Parameters<typeof findBrain> = [image, await readHeadAtlas(), { brainExtracted }];
  if (!findAnatomy) return pool.call<typeof findBrain>(module, 'findBrain', input, signal);
  const placed = await pool.call<typeof placeHead>(module, 'placeHead', input, signal);
  try {
    const { brain, labels } = await findAnatomy(image, placed.toAtlas, signal);
    return { ...placed, brain: brainExtracted ? nonZeroBrain(image) : brain, anatomy: labels };
  } catch (error) {
    if (!(error instanceof DawsonError && error.code === 'brain-not-found')) throw error;
    const note =
      `The anatomy network saw no brain (${error.details.found}): ` +
      'brain and regions come from an atlas.';
    return { ...(await pool.call<typeof findBrain>(module, 'findBrain', input, signal)), note };
  }
}
