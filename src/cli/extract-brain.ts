import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { DawsonError } from '../errors.js';
import { checkIntensities, niftiFile, readSingle, writeAllWhole } from '../formats/index.js';
import { openAnatomyNetwork } from '../preprocess/anatomy-network.js';
import { findHead } from '../preprocess/find-head.js';
import { nonZeroVolumeMl } from '../volume/volume.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

export function addExtractBrain(program: Command): void {
  const command = program
    .command('extract-brain <image>')
    .summary('find the brain in an image of a head')
    .description(
      'Finds the brain in a FLAIR, T2 or T1 image of a head: brain, ventricles and the fluid around ' +
        'them, up to the dura.',
    )
    .requiredOption('--out <file>', 'the mask to write: 1 in the brain, on the image’s own grid')
    .option('--anatomy <file>', 'also write the parts of the brain as a label map')
    .action(async (file: string, options: OutputOptions & { out: string; anatomy?: string }) => {
      await withCommandRun(options, async (run) => {
        await requireOutputs(
          [file],
          [
            { path: options.out, kind: 'image' },
            { path: options.anatomy, kind: 'image' },
          ],
        );
        const image = await readSingle(file);
        const { volume } = image;
        checkIntensities(volume, file);
        const engine = { device: 'cpu', threads: availableParallelism() } as const;
        const network = await openAnatomyNetwork(engine);
        if (options.anatomy && !network) {
          throw new DawsonError('missing-on-machine', {
            expected: 'the anatomy network for --anatomy',
            found: 'none in this installation',
          });
        }
        const { brain, anatomy, note } = await run.stage('find the brain', () =>
          findHead(volume, false, run, network),
        );
        if (options.anatomy && !anatomy) {
          throw new DawsonError('brain-not-found', {
            file,
            expected: 'a brain whose parts the network can tell',
            found: note?.text ?? 'none',
          });
        }
        const like = image.header;
        await writeAllWhole([
          await niftiFile(options.out, brain, { like }),
          ...(options.anatomy && anatomy
            ? [await niftiFile(options.anatomy, anatomy, { like })]
            : []),
        ]);
        const brainVolumeMl = nonZeroVolumeMl(brain);
        const notes = [...image.notes, ...(note ? [note.text] : [])];
        printResult(options, { brainVolumeMl, out: options.out, notes }, [
          ...noteLines(notes),
          `${brainVolumeMl.toFixed(0)} ml of brain: ${options.out}`,
        ]);
      });
    });
  withOutputOptions(command);
}
