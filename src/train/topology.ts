import { mapAxes } from '../volume/affine.js';
import type { Axes3 } from '../volume/arrays.js';

/** Where a U-Net halves its feature maps and how large its kernels are, stage by stage. */
export interface Topology {
  /** One a stage; the first is [1, 1, 1]. */
  readonly strides: readonly Axes3[];
  readonly kernelSizes: readonly Axes3[];
  /** The patch, enlarged to what the strides divide. */
  readonly patchShape: Axes3;
  readonly divisibleBy: Axes3;
}

/** Feature maps are not made smaller than this, in voxels. */
const shortestEdge = 4;
/** Axes whose spacing is within this factor of the smallest are treated alike. */
const similarSpacing = 2;

/**
 * nnU-Net v2's rule (`get_pool_and_conv_props`): an axis is halved as long as it keeps 4 voxels and
 * its spacing is within a factor of 2 of the smallest among those; kernels are 1 along an axis until
 * its spacing has come within that factor.
 * @param patch wanted shape, may be fractional
 */
export function topologyOf(spacingMm: Axes3, patch: Axes3): Topology {
  const spacing = [...spacingMm];
  const size = [...patch];
  const halvings = [0, 0, 0];
  const kernel = [1, 1, 1];
  const strides: Axes3[] = [[1, 1, 1]];
  const kernelSizes: Axes3[] = [];
  for (;;) {
    const large = [0, 1, 2].filter((axis) => size[axis] >= 2 * shortestEdge);
    const finest = Math.min(...large.map((axis) => spacing[axis]));
    const halved = large.filter((axis) => spacing[axis] / finest < similarSpacing);
    if (halved.length === 0) break;
    if (halved.length === 1 && size[halved[0]] < 3 * shortestEdge) break;
    const finestOfAll = Math.min(...spacing);
    for (let axis = 0; axis < 3; axis++) {
      if (spacing[axis] / finestOfAll < similarSpacing) kernel[axis] = 3;
    }
    for (const axis of halved) {
      halvings[axis]++;
      spacing[axis] *= 2;
      size[axis] = Math.ceil(size[axis] / 2);
    }
    strides.push(mapAxes([0, 1, 2], (axis) => (halved.includes(axis) ? 2 : 1)));
    kernelSizes.push([...kernel] as unknown as Axes3);
  }
  kernelSizes.push([3, 3, 3]);
  const divisibleBy = mapAxes(halvings, (n) => 2 ** n);
  const patchShape = mapAxes(
    patch,
    (n, axis) => Math.ceil(n / divisibleBy[axis]) * divisibleBy[axis],
  );
  return { strides, kernelSizes, patchShape, divisibleBy };
}
