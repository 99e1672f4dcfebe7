import { DawsonError } from '../errors.js';
import { type Remark, remark } from '../remarks.js';
import type { Mat4 } from '../volume/affine.js';
import { aboveBackground } from '../volume/background.js';
import type { LabelMap, Mask, Volume } from '../volume/volume.js';
import type { Caller } from '../workers.js';
import { brainOfInWorker, type PlacedHead, placeHeadInWorker } from './extract-brain.js';
import { readHeadAtlas } from './head-atlas.js';

/** The brain and its parts as a network sees them, on the grid of the image. */
export interface SeenAnatomy {
  readonly brain: Mask;
  readonly labels: LabelMap<Uint8Array>;
}

/**
 * A network that tells the brain and its parts in an image of a head.
 * @param atlasBrain share of heads, 0 to 1, whose brain lies at a voxel of the head atlas
 * @param toAtlas maps points of the image to points of the head atlas, RAS mm
 * @throws DawsonError `brain-not-found` where it sees nothing that can be a brain.
 */
export type FindAnatomy = (
  image: Volume,
  atlasBrain: Volume,
  toAtlas: Mat4,
  signal?: AbortSignal,
) => Promise<SeenAnatomy>;

/** A head on which the atlas lies, and its brain. */
export interface FoundHead extends PlacedHead {
  readonly brain: Mask;
  /** Where a network told the parts of the brain. */
  readonly anatomy?: LabelMap<Uint8Array>;
  /** Why it did not, where it was asked. */
  readonly note?: Remark;
}

/**
 * Lays the atlas onto a head and finds the brain: by the network where there is one, by classical
 * methods where there is none or what it sees cannot be a brain.
 * @param brainExtracted the image shows only the brain: that is what is not background
 * @throws DawsonError `brain-not-found`, `bad-intensities`; what else the network throws.
 */
export async function findHead(
  head: Volume,
  brainExtracted: boolean,
  run: Caller,
  findAnatomy?: FindAnatomy,
): Promise<FoundHead> {
  const atlas = await readHeadAtlas();
  const image = aboveBackground(head);
  const placed = await placeHeadInWorker(run, image, atlas, { brainExtracted });
  const { anatomy: seen, note } = await lookedAt();
  const brain =
    seen && !brainExtracted
      ? seen.brain
      : await brainOfInWorker(run, image, atlas, placed.toAtlas, { brainExtracted });
  return { ...placed, brain, ...(seen && { anatomy: seen.labels }), ...(note && { note }) };

  async function lookedAt(): Promise<{ anatomy?: SeenAnatomy; note?: Remark }> {
    if (!findAnatomy) return {};
    try {
      return { anatomy: await findAnatomy(image, atlas.brain, placed.toAtlas, run.signal) };
    } catch (error) {
      if (!(error instanceof DawsonError && error.code === 'brain-not-found')) throw error;
      return { note: remark('anatomy-not-seen', { found: error.details.found }) };
    }
  }
}
