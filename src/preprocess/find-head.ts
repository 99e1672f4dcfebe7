import { DawsonError } from '../errors.js';
import { type Remark, remark } from '../remarks.js';
import { aboveBackground } from '../volume/background.js';
import type { LabelMap, Mask, Volume } from '../volume/volume.js';
import type { Caller } from '../workers.js';
import type { AnatomyNetwork } from './anatomy-network.js';
import type { SeenAnatomy } from './anatomy-network-input.js';
import { brainOfInWorker, type PlacedHead, placeHeadInWorker } from './extract-brain.js';
import { readHeadAtlas } from './head-atlas.js';

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
  network?: AnatomyNetwork,
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
    if (!network) return {};
    try {
      return { anatomy: await network.findAnatomy(image, atlas.brain, placed.toAtlas, run) };
    } catch (error) {
      if (!(error instanceof DawsonError && error.code === 'brain-not-found')) throw error;
      return { note: remark('anatomy-not-seen', { found: error.details.found }) };
    }
  }
}
