import { DawsonError } from '../errors.js';
import { connectedComponents } from '../volume/components.js';
import { type Mask, onGrid, type Volume } from '../volume/volume.js';
import type { Lesion } from './lesions.js';

/**
 * The ids of a lesion list painted into its mask: 0 background, else the lesion's id. The mask is
 * the one written with the list, and `connectivity` that of the list's rule.
 * @throws DawsonError `inputs-conflict` when mask and list do not belong together.
 */
export function lesionLabels(
  mask: Mask,
  connectivity: 6 | 18 | 26,
  list: readonly Pick<Lesion, 'id' | 'sizeVoxels'>[],
  file?: string,
): Volume<Int32Array> {
  const { labels, count, sizesVoxels } = connectedComponents(mask, connectivity);
  // The order of the list: falling size, of equal sizes the first in memory.
  const order = Array.from({ length: count }, (_, index) => index + 1).sort(
    (a, b) => sizesVoxels[b] - sizesVoxels[a] || a - b,
  );
  if (
    count !== list.length ||
    order.some((label, index) => sizesVoxels[label] !== list[index].sizeVoxels)
  ) {
    throw new DawsonError('inputs-conflict', {
      file,
      expected: `a mask with the ${list.length} lesions of the findings`,
      found: `${count} lesions${count === list.length ? ' of other sizes' : ''}`,
      advice: 'Give the folder as Dawson wrote it, with the files of one run.',
    });
  }
  const idOf = new Int32Array(count + 1);
  for (const [index, label] of order.entries()) idOf[label] = list[index].id;
  return onGrid(
    mask,
    labels.data.map((label) => idOf[label]),
  );
}
