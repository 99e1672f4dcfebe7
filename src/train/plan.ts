import { compactImages } from '../model/compact-plans.js';
import { configurationName, inputField, type NormalizationScheme } from '../model/nnunet-plans.js';
import { anisotropyThreshold } from '../segment/nnunet/resize.js';
import { mapAxes } from '../volume/affine.js';
import {
  type Axes3,
  inverseOrder,
  permuteAxes,
  roundHalfToEven,
  shapeAtSpacing,
  voxelsIn,
} from '../volume/arrays.js';
import { percentile } from '../volume/histogram.js';
import {
  type ArchitectureName,
  architecturePlan,
  architectures,
  featureMapValues,
} from './architecture.js';
import type { Fingerprint } from './fingerprint.js';
import { type Topology, topologyOf } from './topology.js';

export interface PlanOptions {
  readonly architecture: ArchitectureName | 'compact';
  /** Memory that a training step may take, in nnU-Net's GB of graphics memory; its default is 8. */
  readonly memoryGb: number;
}

/** What the plan says about the training set itself. */
export interface PlannedDataset {
  readonly name: string;
  readonly channelNames: readonly string[];
  readonly classCount: number;
  readonly caseCount: number;
}

/** A `plans.json` as nnU-Net v2 writes it, with the one configuration that Dawson trains. */
export type Plans = ReturnType<typeof planFor>;

const referenceGb = 8;
const referenceBatchSize = 2;
const smallestBatchSize = 2;
/** The patch is large enough where it shows this part of the median image. */
const enoughOfImage = 0.25;

/** Schemes by channel name, as nnU-Net recognises them; all others are standardised. */
const schemeOfChannel: Readonly<Record<string, NormalizationScheme>> = {
  ct: 'CTNormalization',
  nonorm: 'NoNormalization',
  rescale_to_0_1: 'RescaleTo01Normalization',
  rgb_to_0_1: 'RGBTo01Normalization',
};

/**
 * Plans preprocessing and network for a training set by nnU-Net v2's rules (Isensee et al. 2021, doi
 * 10.1038/s41592-020-01008-z; ExperimentPlanner and nnUNetPlannerResEncM of nnunetv2 2.6), for its
 * configuration `3d_fullres`.
 */
export function planFor(
  fingerprint: Fingerprint,
  dataset: PlannedDataset,
  { architecture, memoryGb }: PlanOptions,
) {
  const isCompact = architecture === 'compact';
  const target = isCompact ? compactImages.spacing : targetSpacing(fingerprint);
  const worst = target.indexOf(Math.max(...target));
  const order = [worst, ...[0, 1, 2].filter((axis) => axis !== worst)] as unknown as Axes3;
  const spacing = permuteAxes(target, order);
  const medianShape = permuteAxes(
    medianOf(
      fingerprint.shapesAfterCrop.map((shape, index) =>
        shapeAtSpacing(shape, fingerprint.spacingsMm[index], target),
      ),
    ),
    order,
  );
  const sizes = isCompact
    ? compactImages
    : nnunetSizes(spacing, medianShape, dataset, { architecture, memoryGb });
  const schemes = dataset.channelNames.map(
    (name) => schemeOfChannel[name.toLowerCase()] ?? 'ZScoreNormalization',
  );
  const usesMask = fingerprint.medianRelativeSizeAfterCropping < 3 / 4;
  const resampling = (order: number, isLabels: boolean) => ({
    is_seg: isLabels,
    order,
    order_z: 0,
    force_separate_z: null,
  });

  return {
    dataset_name: dataset.name,
    plans_name: isCompact ? 'DawsonCompactPlans' : architectures[architecture].plansName,
    original_median_spacing_after_transp: permuteAxes(medianOf(fingerprint.spacingsMm), order),
    original_median_shape_after_transp: permuteAxes(
      medianOf(fingerprint.shapesAfterCrop),
      order,
    ).map(roundHalfToEven),
    image_reader_writer: 'SimpleITKIO',
    transpose_forward: order,
    transpose_backward: inverseOrder(order),
    configurations: {
      [configurationName]: {
        data_identifier: `nnUNetPlans_${configurationName}`,
        preprocessor_name: 'DefaultPreprocessor',
        batch_size: sizes.batch_size,
        patch_size: sizes.patch_size,
        median_image_size_in_voxels: medianShape,
        spacing,
        normalization_schemes: schemes,
        use_mask_for_norm: schemes.map((scheme) => usesMask && scheme === 'ZScoreNormalization'),
        resampling_fn_data: 'resample_data_or_seg_to_shape',
        resampling_fn_seg: 'resample_data_or_seg_to_shape',
        resampling_fn_data_kwargs: resampling(3, false),
        resampling_fn_seg_kwargs: resampling(1, true),
        resampling_fn_probabilities: 'resample_data_or_seg_to_shape',
        resampling_fn_probabilities_kwargs: resampling(1, false),
        architecture: sizes.architecture,
        batch_dice: sizes.batch_dice,
        ...(isCompact && dataset.classCount === 2 && { [inputField]: compactImages[inputField] }),
      },
    },
    experiment_planner_used: 'Dawson',
    label_manager: 'LabelManager',
    foreground_intensity_properties_per_channel: Object.fromEntries(
      fingerprint.intensities.map((properties, channel) => [String(channel), properties]),
    ),
  };
}

/** Patch, batch and network by nnU-Net's rules. */
function nnunetSizes(
  spacing: Axes3,
  medianShape: Axes3,
  { classCount, caseCount }: PlannedDataset,
  { architecture, memoryGb }: { architecture: ArchitectureName; memoryGb: number },
) {
  const budget: Budget = {
    architecture,
    classCount,
    values: architectures[architecture].referenceValues * (memoryGb / referenceGb),
  };
  const topology = largestPatch(spacing, medianShape, budget);
  return {
    patch_size: topology.patchShape,
    batch_size: batchSize(topology, medianShape, caseCount, budget),
    architecture: architecturePlan(architecture, topology),
    batch_dice: needsLowResolution(topology.patchShape, spacing, medianShape, budget),
  };
}

function medianOf(rows: readonly Axes3[], p = 50): Axes3 {
  return mapAxes([0, 1, 2], (axis) =>
    percentile(
      Float64Array.from(rows, (row) => row[axis]),
      p,
    ),
  );
}

/**
 * The median spacing; where images are anisotropic in spacing and in voxels, the 10th percentile of
 * the worst axis, so that the finer part of the images is not thrown away.
 */
function targetSpacing({ spacingsMm, shapesAfterCrop }: Fingerprint): Axes3 {
  const target = [...medianOf(spacingsMm)];
  const shape = medianOf(shapesAfterCrop);
  const worst = target.indexOf(Math.max(...target));
  const others = [0, 1, 2].filter((axis) => axis !== worst);
  const coarsestOther = Math.max(...others.map((axis) => target[axis]));
  const fewestOther = Math.min(...others.map((axis) => shape[axis]));
  if (
    target[worst] > anisotropyThreshold * coarsestOther &&
    shape[worst] * anisotropyThreshold < fewestOther
  ) {
    const fine = medianOf(spacingsMm, 10)[worst];
    target[worst] = fine < coarsestOther ? coarsestOther + 1e-5 : fine;
  }
  return target as unknown as Axes3;
}

/** How many feature map values a patch may take, and of which network. */
interface Budget {
  readonly architecture: ArchitectureName;
  readonly classCount: number;
  readonly values: number;
}

const valuesOf = (topology: Topology, { architecture, classCount }: Budget) =>
  featureMapValues(architecture, topology, classCount);

/**
 * The largest patch within the budget: of the images' aspect in mm, not larger than the median
 * image, then made smaller along the axis that covers most of it, step by step.
 */
function largestPatch(spacing: Axes3, medianShape: Axes3, budget: Budget): Topology {
  const perMm = spacing.map((mm) => 1 / mm);
  const scale = (256 ** 3 / (perMm[0] * perMm[1] * perMm[2])) ** (1 / 3);
  const wanted = perMm.map((n, axis) => Math.min(roundHalfToEven(n * scale), medianShape[axis]));
  let topology = topologyOf(spacing, wanted as unknown as Axes3);
  while (valuesOf(topology, budget) > budget.values) {
    const patch = [...topology.patchShape];
    const covered = patch.map((n, axis) => n / medianShape[axis]);
    const axis = covered.lastIndexOf(Math.max(...covered));
    // The step is that of the smaller patch, which is halved less often: no valid size is skipped.
    const smaller = [...patch];
    smaller[axis] -= topology.divisibleBy[axis];
    patch[axis] -= topologyOf(spacing, smaller as unknown as Axes3).divisibleBy[axis];
    topology = topologyOf(spacing, patch as unknown as Axes3);
  }
  return topology;
}

function batchSize(
  topology: Topology,
  medianShape: Axes3,
  caseCount: number,
  budget: Budget,
): number {
  const fitting = roundHalfToEven(
    (budget.values / valuesOf(topology, budget)) * referenceBatchSize,
  );
  const sensible = roundHalfToEven(
    (voxelsIn(medianShape) * caseCount * architectures[budget.architecture].mostOfDataset) /
      voxelsIn(topology.patchShape),
  );
  return Math.max(Math.min(fitting, sensible), smallestBatchSize);
}

/**
 * Whether nnU-Net would add a network at low resolution, since a patch shows too little of an image.
 * Dawson does not train one, but the loss of the full resolution depends on it.
 */
function needsLowResolution(
  patchShape: Axes3,
  fullSpacing: Axes3,
  medianShape: Axes3,
  budget: Budget,
): boolean {
  const spacing = [...fullSpacing];
  let shape: readonly number[] = medianShape;
  const voxels = (values: readonly number[]) => values[0] * values[1] * values[2];
  let patch: Axes3 = patchShape;
  while (voxels(patch) / voxels(shape) < enoughOfImage) {
    const coarsest = Math.max(...spacing);
    const fine = spacing.map((mm) => coarsest / mm > 2);
    const all = !fine.includes(true);
    for (let axis = 0; axis < 3; axis++) if (all || fine[axis]) spacing[axis] *= 1.03;
    shape = medianShape.map((n, axis) => (fullSpacing[axis] / spacing[axis]) * n);
    patch = largestPatch(
      spacing as unknown as Axes3,
      mapAxes(shape, roundHalfToEven),
      budget,
    ).patchShape;
  }
  return patch !== patchShape && voxels(medianShape) / voxels(shape) >= 2;
}
