import { roundHalfToEven } from '../volume/arrays.js';
import {
  type ArchitectureName,
  architecturePlan,
  architectures,
  featureMapValues,
  kindOf,
} from './architecture.js';
import { type PlanAxes, product, type Topology, topologyOf } from './topology.js';

/** The images of a training set as a configuration sees them: three axes, or the two of slices. */
export interface Images {
  /** In mm. */
  readonly spacing: PlanAxes;
  /** In voxels; may be fractional. */
  readonly medianShape: PlanAxes;
  /** The sum over all cases. */
  readonly voxels: number;
}

/** How much memory a training step may take, and of which network. */
export interface Budget {
  readonly architecture: ArchitectureName;
  /** In nnU-Net's GB of graphics memory. */
  readonly memoryGb: number;
  readonly classCount: number;
}

const referenceGb = 8;
const smallestBatchSize = 2;
/** Edge of the patch that planning begins with, of which the images' part is taken. */
const firstEdge = { volumes: 256, slices: 2048 } as const;
/** The patch is large enough where it shows this part of the median image. */
const enoughOfImage = 0.25;
/** By which voxels are made larger, time and again, until a patch shows enough. */
const coarserStep = 1.03;

/** The fields of a `plans.json` about patch, batch and network, and about the images that they are for. */
export function patchAndNetwork(images: Images, budget: Budget) {
  const topology = largestPatch(images, budget);
  return {
    patch_size: topology.patchShape,
    batch_size: batchSize(topology, images, budget),
    architecture: architecturePlan(budget.architecture, topology),
    median_image_size_in_voxels: images.medianShape,
    spacing: images.spacing,
  };
}

/** Feature map values that a patch may have, and with which a batch is the reference's. */
function valuesWithin({ architecture, memoryGb }: Budget, patchShape: PlanAxes) {
  const { referenceValues, mostValues, referenceBatch } =
    architectures[architecture][kindOf(patchShape)];
  const part = memoryGb / referenceGb;
  return { reference: referenceValues * part, most: mostValues * part, referenceBatch };
}

/**
 * The largest patch within the budget: of the images' aspect in mm, not larger than the median
 * image, then made smaller along the axis that covers most of it, step by step.
 */
function largestPatch({ spacing, medianShape }: Images, budget: Budget): Topology {
  const { most } = valuesWithin(budget, spacing);
  const perMm = spacing.map((mm) => 1 / mm);
  const scale =
    (firstEdge[kindOf(spacing)] ** spacing.length / product(perMm)) ** (1 / spacing.length);
  const wanted = perMm.map((n, axis) => Math.min(roundHalfToEven(n * scale), medianShape[axis]));
  let topology = topologyOf(spacing, wanted);
  while (featureMapValues(budget.architecture, topology, budget.classCount) > most) {
    const patch = [...topology.patchShape];
    const covered = patch.map((n, axis) => n / medianShape[axis]);
    const axis = covered.lastIndexOf(Math.max(...covered));
    // The step is that of the smaller patch, which is halved less often: no valid size is skipped.
    const smaller = [...patch];
    smaller[axis] -= topology.divisibleBy[axis];
    patch[axis] -= topologyOf(spacing, smaller).divisibleBy[axis];
    topology = topologyOf(spacing, patch);
  }
  return topology;
}

function batchSize(topology: Topology, { voxels }: Images, budget: Budget): number {
  const { architecture, classCount } = budget;
  const { reference, referenceBatch } = valuesWithin(budget, topology.patchShape);
  const values = featureMapValues(architecture, topology, classCount);
  const fitting = roundHalfToEven((reference / values) * referenceBatch);
  const sensible = roundHalfToEven(
    (voxels * architectures[architecture].mostOfDataset) / product(topology.patchShape),
  );
  return Math.max(Math.min(fitting, sensible), smallestBatchSize);
}

/**
 * The images in the coarser voxels of a network at low resolution, in which a patch shows enough of an
 * image; `undefined` where nnU-Net adds none, since one of full resolution does, or since there would be
 * little between the two.
 */
export function lowResolution(full: Images, budget: Budget): Images | undefined {
  const spacing = [...full.spacing];
  let shape = full.medianShape;
  let { patchShape } = largestPatch(full, budget);
  while (product(patchShape) / product(shape) < enoughOfImage) {
    const coarsest = Math.max(...spacing);
    const fine = spacing.map((mm) => coarsest / mm > 2);
    const all = !fine.includes(true);
    for (const axis of spacing.keys()) if (all || fine[axis]) spacing[axis] *= coarserStep;
    shape = full.medianShape.map((n, axis) => (full.spacing[axis] / spacing[axis]) * n);
    const images = { ...full, spacing, medianShape: shape.map(roundHalfToEven) };
    ({ patchShape } = largestPatch(images, budget));
  }
  const before = product(full.medianShape);
  // Nothing was made coarser, or too little.
  if (before / product(shape) < 2) return undefined;
  const voxels = (full.voxels / before) * product(shape);
  return { spacing, medianShape: shape.map(roundHalfToEven), voxels };
}
