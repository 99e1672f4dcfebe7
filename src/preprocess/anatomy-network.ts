import { existsSync } from 'node:fs';
import type { ModelRecord } from '../model/model-record.js';
import { ownNetworkFolder, readOwnNetwork, readShippedNetwork } from '../model/own-network.js';
import { slideWindow } from '../model/sliding-window.js';
import { Engine, type EngineSettings, loadPredictor } from '../network/index.js';
import type { Axes3 } from '../volume/arrays.js';
import type { WorkerPool } from '../workers.js';
import { anatomyFromScoresInWorker, anatomyNetworkInputInWorker } from './anatomy-network-input.js';
import type { FindAnatomy } from './find-head.js';

const windowShape: Axes3 = [64, 64, 64];
/** Of a window: eight of them see a head, with the same brain within 0.001 of Dice as the twelve of 0.5. */
const stepSize = 0.75;

/** The anatomy network that comes with Dawson, ready for work. */
export interface AnatomyNetwork {
  readonly model: ModelRecord;
  readonly findAnatomy: FindAnatomy;
}

/**
 * @param folder of another network than the one that comes with Dawson
 * @returns nothing where it does not come with this installation.
 * @throws DawsonError `bad-model` where its files were changed.
 */
export async function openAnatomyNetwork(
  settings: EngineSettings,
  pool: WorkerPool,
  folder?: string,
): Promise<AnatomyNetwork | undefined> {
  if (!existsSync(folder ?? ownNetworkFolder('anatomy'))) return undefined;
  const { name, version, sha256, plan, weights } =
    folder === undefined ? await readShippedNetwork('anatomy') : await readOwnNetwork(folder);
  return {
    model: { name, version, sha256 },
    async findAnatomy(image, atlasBrain, toAtlas, signal) {
      const caller = { pool, signal };
      const input = await anatomyNetworkInputInWorker(caller, image, atlasBrain, toAtlas);
      const [nx, ny, nz] = input.size;
      const engine = new Engine(settings, signal);
      try {
        const { predict } = await loadPredictor(engine, plan, weights, windowShape);
        const scores = await slideWindow(
          { data: input.data, channels: 1, shape: [nz, ny, nx] },
          [predict],
          { patchShape: windowShape, classes: plan.classes, stepSize, mirrorAxes: [], signal },
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
