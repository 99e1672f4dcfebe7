import { type Command, InvalidArgumentError } from 'commander';
import {
  checkIntensities,
  niftiFile,
  readSingle,
  transformFile,
  writeAllWhole,
} from '../formats/index.js';
import { alignToInWorker } from '../preprocess/align.js';
import { requireOutputs } from './outputs.js';
import {
  naming,
  noteLines,
  type OutputOptions,
  printResult,
  withOutputOptions,
} from './terminal.js';
import { withCommandRun } from './with-run.js';

interface RegisterOptions extends OutputOptions {
  fixed: string;
  moving: string;
  dof: 6 | 12;
  out: string;
  transform?: string;
}

export function addRegister(program: Command): void {
  const command = program
    .command('register')
    .summary('align one image of a head to another')
    .description(
      'Aligns one image of a head to another of the same person, by mutual information: rigidly ' +
        '(6 degrees of freedom) or with scaling and shear (12). The contrasts may differ.',
    )
    .requiredOption('--fixed <file>', 'the image to align to')
    .requiredOption('--moving <file>', 'the image to align')
    .requiredOption('--dof <number>', 'degrees of freedom: 6 or 12', degreesOfFreedom)
    .requiredOption('--out <file>', 'the moving image on the grid of the fixed one')
    .option('--transform <file>', 'the transform, as ITK text: points of fixed to points of moving')
    .action((options: RegisterOptions) => registerFiles(options));
  withOutputOptions(command);
}

async function registerFiles(options: RegisterOptions): Promise<void> {
  await withCommandRun(options, async (run) => {
    await requireOutputs(
      [options.fixed, options.moving],
      [
        { path: options.out, kind: 'image' },
        { path: options.transform, kind: 'transform' },
      ],
    );
    const fixed = await readSingle(options.fixed);
    const moving = await readSingle(options.moving);
    checkIntensities(fixed.volume, options.fixed);
    checkIntensities(moving.volume, options.moving);
    const { resampled, referenceToSequence } = await run.stage('register', () =>
      alignToInWorker(run, fixed.volume, moving.volume, options.dof),
    );
    await writeAllWhole([
      await niftiFile(options.out, resampled, { like: fixed.header }),
      ...(options.transform ? [transformFile(options.transform, referenceToSequence)] : []),
    ]);
    const notes = [...naming(options.fixed, fixed.notes), ...naming(options.moving, moving.notes)];
    printResult(options, { fixedToMoving: referenceToSequence, out: options.out, notes }, [
      ...noteLines(notes),
      options.out,
    ]);
  });
}

function degreesOfFreedom(text: string): 6 | 12 {
  if (text === '6') return 6;
  if (text === '12') return 12;
  throw new InvalidArgumentError('It is 6 or 12.');
}
