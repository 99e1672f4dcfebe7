/** A number an axis, slowest first: three of volumes, two of slices. */
export type PlanAxes = readonly number[];

export const product = (values: PlanAxes): number => values.reduce((all, n) => all * n, 1);

/** Where a U-Net halves its feature maps and how large its kernels are, stage by stage. */
export interface Topology {
  /** One a stage; the first is 1 along each axis. */
  readonly strides: readonly PlanAxes[];
  readonly kernelSizes: readonly PlanAxes[];
  /** The patch, enlarged to what the strides divide. */
  readonly patchShape: PlanAxes;
  readonly divisibleBy: PlanAxes;
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
export function topologyOf(spacingMm: PlanAxes, patch: PlanAxes): Topology {
  const spacing = [...spacingMm];
  const size = [...patch];
  const axes = spacing.map((_, axis) => axis);
  const halvings = axes.map(() => 0);
  const kernel = axes.map(() => 1);
  const strides: PlanAxes[] = [axes.map(() => 1)];
  const kernelSizes: PlanAxes[] = [];
  for (;;) {
    const large = axes.filter((axis) => size[axis] >= 2 * shortestEdge);
    const finest = Math.min(...large.map((axis) => spacing[axis]));
    const halved = large.filter((axis) => spacing[axis] / finest < similarSpacing);
    if (halved.length === 0) break;
    if (halved.length === 1 && size[halved[0]] < 3 * shortestEdge) break;
    const finestOfAll = Math.min(...spacing);
    for (const axis of axes) {
      if (spacing[axis] / finestOfAll < similarSpacing) kernel[axis] = 3;
    }
    for (const axis of halved) {
      halvings[axis]++;
      spacing[axis] *= 2;
      size[axis] = Math.ceil(size[axis] / 2);
    }
    strides.push(axes.map((axis) => (halved.includes(axis) ? 2 : 1)));
    kernelSizes.push([...kernel]);
  }
  kernelSizes.push(axes.map(() => 3));
  const divisibleBy = halvings.map((n) => 2 ** n);
  const patchShape = patch.map((n, axis) => Math.ceil(n / divisibleBy[axis]) * divisibleBy[axis]);
  return { strides, kernelSizes, patchShape, divisibleBy };
}
