import { type Command, Option } from 'commander';
import { readTransform, readVolume, writeNifti } from '../formats/index.js';
import { resample } from '../volume/resample.js';
import { requireOutputs } from './outputs.js';
import {
  naming,
  noteLines,
  type OutputOptions,
  printResult,
  withOutputOptions,
} from './terminal.js';

interface ApplyOptions extends OutputOptions {
  grid: string;
  transform: string;
  interpolation: 'nearest' | 'linear' | 'cubic';
  out: string;
}

export function addApplyTransform(program: Command): void {
  const command = program
    .command('apply-transform <image>')
    .summary('bring an image onto another grid through a transform')
    .description(
      'Resamples an image onto the grid of another through a transform, as ITK, ANTs and elastix do: ' +
        'the transform maps points of the grid to points of the image, LPS mm.',
    )
    .requiredOption('--grid <file>', 'an image on the grid to write')
    .requiredOption('--transform <file>', 'ITK text file')
    .addOption(
      new Option('--interpolation <how>', 'how values between voxels are found')
        .choices(['nearest', 'linear', 'cubic'])
        .default('linear'),
    )
    .requiredOption('--out <file>', 'the image to write; use nearest for masks')
    .action(async (file: string, options: ApplyOptions) => {
      const inputs = [file, options.grid, options.transform];
      await requireOutputs(inputs, [{ path: options.out, kind: 'image' }]);
      const image = await readVolume(file);
      const grid = await readVolume(options.grid);
      const toMoving = await readTransform(options.transform);
      const { interpolation } = options;
      const resampled = resample(image.volume, grid.volume, { toMoving, interpolation });
      await writeNifti(options.out, resampled, { like: grid.header });
      const notes = [...naming(file, image.notes), ...naming(options.grid, grid.notes)];
      printResult(options, { out: options.out, notes }, [...noteLines(notes), options.out]);
    });
  withOutputOptions(command);
}
