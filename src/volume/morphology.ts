import { cropTo, paddedBox, pasteInto } from './box.js';
import { connectedComponents } from './components.js';
import { distanceTransformMm } from './distance.js';
import { type Mask, maskWhere } from './volume.js';

/** Rounding errors of a distance: a voxel this far beyond the radius still belongs to the ball. */
const toleranceMm = 1e-4;

const complement = (mask: Mask) => maskWhere(mask, (value) => value === 0);

/**
 * All voxels whose centre lies within `radiusMm` of the centre of a voxel of the mask: dilation by
 * a ball. As in {@link distanceTransformMm}, voxel axes are taken to be at right angles.
 */
export function dilate(mask: Mask, radiusMm: number): Mask {
  return maskWhere(distanceTransformMm(mask), (mm) => mm <= radiusMm + toleranceMm);
}

/**
 * All voxels of the mask with no voxel outside the mask within `radiusMm`: erosion by a ball. What
 * lies beyond the grid is unknown and takes nothing away.
 */
export function erode(mask: Mask, radiusMm: number): Mask {
  return maskWhere(distanceTransformMm(complement(mask)), (mm) => mm > radiusMm + toleranceMm);
}

/** Erosion, then dilation: removes what no ball of this radius fits into. */
export function open(mask: Mask, radiusMm: number): Mask {
  return dilate(erode(mask, radiusMm), radiusMm);
}

/** Dilation, then erosion: fills gaps that no ball of this radius fits into. */
export function close(mask: Mask, radiusMm: number): Mask {
  return erode(dilate(mask, radiusMm), radiusMm);
}

/** The mask with its holes: background that no path over voxel faces joins to the grid's border. */
export function fillHoles(mask: Mask): Mask {
  // All holes lie in the mask's box. What is around it is one piece, to which the border belongs.
  const box = paddedBox(mask);
  if (!box) return mask;
  const inBox = cropTo(mask, box);
  const { labels } = connectedComponents(complement(inBox), 6);
  const outside = labels.data[0];
  return pasteInto(
    mask,
    maskWhere(labels, (label) => label !== outside),
    box,
  );
}
