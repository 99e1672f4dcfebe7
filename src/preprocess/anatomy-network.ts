import { existsSync } from 'node:fs';
import { openModelFolder } from '../model/model-folder.js';
import { firstFoldOf } from '../model/model-predictors.js';
import type { ModelRecord } from '../model/model-record.js';
import { openShippedModel, shippedModelFolder } from '../model/open-model.js';
import { slideWindow } from '../model/sliding-window.js';
import { Engine, type EngineSettings, loadPredictor } from '../network/index.js';
import type { Mat4 } from '../volume/affine.js';
import type { Axes3 } from '../volume/arrays.js';
import type { Volume } from '../volume/volume.js';
import type { Caller } from '../workers.js';
import {
  anatomyFromScoresInWorker,
  anatomyNetworkInputInWorker,
  type SeenAnatomy,
} from './anatomy-network-input.js';

const windowShape: Axes3 = [64, 64, 64];
/** Step between windows, in parts of one: eight of them see a head, with the same brain within 0.001 of Dice as the twelve of 0.5. */
const stepSize = 0.75;

/** The anatomy network that comes with Dawson, ready for work. */
export interface AnatomyNetwork {
  readonly model: ModelRecord;
  /**
   * Tells the brain and its parts in an image of a head.
   * @param atlasBrain share of heads, 0 to 1, whose brain lies at a voxel of the head atlas
   * @param toAtlas maps points of the image to points of the head atlas, RAS mm
   * @throws DawsonError `brain-not-found` where it sees nothing that can be a brain.
   */
  findAnatomy(
    image: Volume,
    atlasBrain: Volume,
    toAtlas: Mat4,
    caller: Caller,
  ): Promise<SeenAnatomy>;
}

/**
 * @param folder of another network than the one that comes with Dawson
 * @returns nothing where it does not come with this installation.
 * @throws DawsonError `bad-model` where its files were changed.
 */
export async function openAnatomyNetwork(
  settings: EngineSettings,
  folder?: string,
): Promise<AnatomyNetwork | undefined> {
  if (!existsSync(folder ?? shippedModelFolder('anatomy'))) return undefined;
  const opened = await (folder === undefined
    ? openShippedModel('anatomy')
    : openModelFolder(folder));
  const { card, sha256, network, model } = opened;
  const weights = await firstFoldOf(opened);
  return {
    model: { name: card.name, version: card.version, sha256 },
    async findAnatomy(image, atlasBrain, toAtlas, caller) {
      const { signal } = caller;
      const input = await anatomyNetworkInputInWorker(caller, image, atlasBrain, toAtlas);
      const [nx, ny, nz] = input.size;
      const engine = new Engine(settings, signal);
      try {
        const { predict } = await loadPredictor(engine, network, weights, windowShape);
        const scores = await slideWindow(
          { data: input.data, channels: 1, shape: [nz, ny, nx] },
          [predict],
          {
            patchShape: windowShape,
            classes: model.labels.outputs.length,
            stepSize,
            mirrorAxes: [],
            signal,
          },
        );
        const { size, affine } = input;
        const own = { size: image.size, affine: image.affine };
        return await anatomyFromScoresInWorker(caller, scores, { size, affine }, own);
      } finally {
        await engine.close();
      }
    },
  };
}
