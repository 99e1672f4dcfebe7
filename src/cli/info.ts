import type { Command } from 'commander';
import { readVolume } from '../formats/index.js';
import { looksBrainExtracted } from '../preprocess/brain-extracted.js';
import { voxelSizeMm } from '../volume/affine.js';
import { orientationOf } from '../volume/reorient.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';

export function addInfo(program: Command): void {
  const command = program
    .command('info <image>')
    .summary('say what an image is')
    .description('Prints the size, voxel size, orientation, value type and range of an image.')
    .action(async (file: string, options: OutputOptions) => {
      const { volume, replacedVoxels, notes } = await readVolume(file);
      const [minimum, maximum] = rangeOf(volume.data);
      const info = {
        file,
        sizeVoxels: volume.size,
        voxelSizeMm: voxelSizeMm(volume.affine),
        orientation: orientationOf(volume.affine),
        affine: volume.affine,
        valueType: volume.data.constructor.name.replace('Array', '').toLowerCase(),
        minimum,
        maximum,
        nonFiniteVoxels: replacedVoxels,
        brainExtracted: looksBrainExtracted(volume),
        notes,
      };
      printResult(options, info, [
        `${volume.size.join(' x ')} voxels of ${info.voxelSizeMm.map((mm) => mm.toFixed(3)).join(' x ')} mm, ` +
          `axes ${info.orientation}`,
        `${info.valueType} values from ${minimum} to ${maximum}`,
        info.brainExtracted ? 'looks brain-extracted' : 'does not look brain-extracted',
        ...noteLines(notes),
      ]);
    });
  withOutputOptions(command);
}

/** Smallest and largest value. */
function rangeOf(data: ArrayLike<number>): [number, number] {
  let [minimum, maximum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let voxel = 0; voxel < data.length; voxel++) {
    if (data[voxel] < minimum) minimum = data[voxel];
    if (data[voxel] > maximum) maximum = data[voxel];
  }
  return [minimum, maximum];
}
