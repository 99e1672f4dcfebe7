import type { Command } from 'commander';
import { checkIntensities, readVolume, writeNifti } from '../formats/index.js';
import type { extractBrain } from '../preprocess/extract-brain.js';
import { readHeadAtlas } from '../preprocess/head-atlas.js';
import { nonZeroVolumeMl } from '../volume/volume.js';
import { WorkerPool } from '../workers.js';
import {
  abortOnInterrupt,
  type OutputOptions,
  printResult,
  stagesOnTerminal,
  withOutputOptions,
} from './terminal.js';

export function addExtractBrain(program: Command): void {
  const command = program
    .command('extract-brain <image>')
    .summary('find the brain in an image of a head')
    .description('Finds the brain in a FLAIR, T2 or T1 image of a head, with classical methods.')
    .requiredOption('--out <file>', 'the mask to write: 1 in the brain, on the image’s own grid')
    .action(async (file: string, options: OutputOptions & { out: string }) => {
      const pool = new WorkerPool(1);
      const { signal, dispose } = abortOnInterrupt();
      try {
        const image = await readVolume(file);
        const { volume } = checkIntensities(image.volume, file);
        const brain = await stagesOnTerminal(options)('find the brain', async () =>
          pool.call<typeof extractBrain>(
            new URL('../preprocess/extract-brain.js', import.meta.url),
            'extractBrain',
            [volume, await readHeadAtlas()],
            signal,
          ),
        );
        await writeNifti(options.out, brain, { like: image.header });
        const volumeMl = nonZeroVolumeMl(brain);
        printResult(options, { brainVolumeMl: volumeMl, out: options.out }, [
          `${volumeMl.toFixed(0)} ml of brain: ${options.out}`,
        ]);
      } finally {
        dispose();
        await pool.close();
      }
    });
  withOutputOptions(command);
}
