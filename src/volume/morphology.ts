import { connectedComponents } from './components.js';
import { distanceTransformMm } from './distance.js';
import { type Mask, onGrid } from './volume.js';

/** Rounding errors of a distance: a voxel this far beyond the radius still belongs to the ball. */
const toleranceMm = 1e-4;

function select(mask: Mask, belongs: (at: number) => boolean): Mask {
  const data = new Uint8Array(mask.data.length);
  for (let at = 0; at < data.length; at++) if (belongs(at)) data[at] = 1;
  return onGrid(mask, data);
}

function complement(mask: Mask): Mask {
  return select(mask, (at) => mask.data[at] === 0);
}

/**
 * All voxels whose centre lies within `radiusMm` of the centre of a voxel of the mask: dilation by
 * a ball. As in {@link distanceTransformMm}, voxel axes are taken to be at right angles.
 */
export function dilate(mask: Mask, radiusMm: number): Mask {
  const distances = distanceTransformMm(mask).data;
  return select(mask, (at) => distances[at] <= radiusMm + toleranceMm);
}

/**
 * All voxels of the mask with no voxel outside the mask within `radiusMm`: erosion by a ball. What
 * lies beyond the grid is unknown and takes nothing away.
 */
export function erode(mask: Mask, radiusMm: number): Mask {
  const distances = distanceTransformMm(complement(mask)).data;
  return select(mask, (at) => distances[at] > radiusMm + toleranceMm);
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
  const [nx, ny, nz] = mask.size;
  const { labels, count } = connectedComponents(complement(mask), 6);
  const reachesBorder = new Uint8Array(count + 1);
  let at = 0;
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      const edge = k === 0 || k === nz - 1 || j === 0 || j === ny - 1;
      for (let i = 0; i < nx; i++, at++) {
        if (edge || i === 0 || i === nx - 1) reachesBorder[labels.data[at]] = 1;
      }
    }
  }
  return select(mask, (voxel) => mask.data[voxel] !== 0 || !reachesBorder[labels.data[voxel]]);
}
