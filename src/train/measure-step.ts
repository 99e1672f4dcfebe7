import { Engine, initialWeights, type NetworkPlan } from '../network/index.js';
import type { Run } from '../run.js';
import { voxelsIn } from '../volume/arrays.js';
import { seededRandom } from '../volume/random.js';
import { measuredSteps } from './loop.js';
import { initialState, loadTrainer, type StepSettings } from './step.js';

/** What a training step takes on this machine, as it is now. */
export interface MeasuredStep {
  readonly secondsPerStep: number;
  /** The most that this process has held. */
  readonly memoryBytes: number;
}

/** Long enough for a step of any network that is worth training here. */
const longestMs = 60_000;
const shareOfForeground = 0.02;

/**
 * Takes a few steps with made-up images and fresh weights, on the CPU: as many as a training measures
 * when it begins, or those of a minute, after a first one in which the engine settles.
 * @throws DawsonError `out-of-memory`, and what {@link Engine} throws; the signal's reason.
 */
export async function measureStep(
  network: NetworkPlan,
  settings: StepSettings,
  threads: number,
  { signal, onProgress }: Pick<Run, 'signal' | 'onProgress'>,
): Promise<MeasuredStep> {
  const random = seededRandom(1);
  const voxels = settings.batchSize * voxelsIn(settings.patchShape);
  const batch = {
    image: Float32Array.from({ length: network.inputChannels * voxels }, () => random.normal()),
    labels: Uint8Array.from({ length: voxels }, () =>
      random.uniform() < shareOfForeground ? 1 : 0,
    ),
  };
  const engine = new Engine({ device: 'cpu', threads }, signal);
  try {
    const state = initialState(initialWeights(network, random), settings);
    const trainer = await loadTrainer(engine, network, settings, state);
    await trainer.step(batch, 0, 0);
    const startedMs = performance.now();
    let done = 0;
    while (done < measuredSteps && performance.now() - startedMs < longestMs) {
      signal?.throwIfAborted();
      await trainer.step(batch, ++done, 0);
      onProgress?.(done, measuredSteps);
    }
    return {
      secondsPerStep: (performance.now() - startedMs) / 1000 / done,
      memoryBytes: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    await engine.close();
  }
}
