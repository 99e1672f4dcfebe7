import type { Command } from 'commander';
import { DawsonError } from '../errors.js';
import { formCodeOf, readStored, writeNifti } from '../formats/index.js';
import { orientationOf, reorient } from '../volume/reorient.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';

export function addReorient(program: Command): void {
  const command = program
    .command('reorient <image>')
    .summary('turn the voxel axes of an image, without resampling')
    .description(
      'Permutes and flips the voxel axes of an image so that they run as close as possible to the ' +
        'directions asked for. Every voxel keeps its value, as the file stores it, and its place in ' +
        'space.',
    )
    .option('--to <axes>', 'directions of the three axes, a letter each of RL, AP and SI', 'RAS')
    .requiredOption('--out <file>', 'the image to write (.nii or .nii.gz)')
    .action(async (file: string, options: OutputOptions & { to: string; out: string }) => {
      if (!isOrientation(options.to)) {
        throw new DawsonError('usage', {
          expected: 'three directions after --to, such as RAS or LPS',
          found: options.to,
        });
      }
      await requireOutputs([file], [{ path: options.out, kind: 'image' }]);
      const stored = await readStored(file);
      const { volume, header, notes } = stored;
      const turned = reorient(volume, options.to);
      await writeNifti(options.out, turned, { formCode: formCodeOf(header), stored });
      const from = orientationOf(volume.affine);
      const { to, out } = options;
      printResult(options, { from, to, sizeVoxels: turned.size, out, notes }, [
        ...noteLines(notes),
        `${from} to ${to}: ${out}`,
      ]);
    });
  withOutputOptions(command);
}

/** Whether a text names one direction of each of the three axes of the body. */
function isOrientation(text: string): boolean {
  const axes = ['RL', 'AP', 'SI'].map((pair) => [...text].filter((c) => pair.includes(c)).length);
  return text.length === 3 && axes.every((count) => count === 1);
}
