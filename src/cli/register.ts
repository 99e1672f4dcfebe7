import { type Command, InvalidArgumentError } from 'commander';
import { checkIntensities, readVolume, writeNifti, writeTransform } from '../formats/index.js';
import type { alignTo } from '../preprocess/align.js';
import { toFloat32 } from '../volume/volume.js';
import { WorkerPool } from '../workers.js';
import { requireOutputs } from './outputs.js';
import {
  abortOnInterrupt,
  naming,
  noteLines,
  type OutputOptions,
  printResult,
  stagesOnTerminal,
  withOutputOptions,
} from './terminal.js';

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
      'Aligns one image of a head to another of the same person, by mutual information: rigidly\n' +
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
  const pool = new WorkerPool(1);
  const { signal, dispose } = abortOnInterrupt();
  const stage = stagesOnTerminal(options);
  try {
    await requireOutputs(
      [options.fixed, options.moving],
      [
        { path: options.out, kind: 'image' },
        { path: options.transform, kind: 'transform' },
      ],
    );
    const fixed = await readVolume(options.fixed);
    const moving = await readVolume(options.moving);
    checkIntensities(fixed.volume, options.fixed);
    checkIntensities(moving.volume, options.moving);
    const { resampled, referenceToSequence } = await stage('register', () =>
      pool.call<typeof alignTo>(
        new URL('../preprocess/align.js', import.meta.url),
        'alignTo',
        [toFloat32(fixed.volume), toFloat32(moving.volume), options.dof],
        signal,
      ),
    );
    await writeNifti(options.out, resampled, { like: fixed.header });
    if (options.transform) await writeTransform(options.transform, referenceToSequence);
    const notes = [...naming(options.fixed, fixed.notes), ...naming(options.moving, moving.notes)];
    printResult(options, { fixedToMoving: referenceToSequence, out: options.out, notes }, [
      ...noteLines(notes),
      options.out,
    ]);
  } finally {
    dispose();
    await pool.close();
  }
}

function degreesOfFreedom(text: string): 6 | 12 {
  if (text === '6') return 6;
  if (text === '12') return 12;
  throw new InvalidArgumentError('It is 6 or 12.');
}
