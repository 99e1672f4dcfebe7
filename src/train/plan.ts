import { DawsonError } from '../errors.js';
import { compactImages } from '../model/compact-plans.js';
import {
  cascadeConfiguration,
  configurationName,
  inputField,
  lowResolutionConfiguration,
  type NormalizationScheme,
  nextStageField,
  type PlannedConfiguration,
  previousStageField,
  sliceConfiguration,
} from '../model/nnunet-plans.js';
import { anisotropyThreshold } from '../segment/nnunet/resize.js';
import { mapAxes } from '../volume/affine.js';
import {
  type Axes3,
  inverseOrder,
  permuteAxes,
  roundHalfToEven,
  shapeAtSpacing,
} from '../volume/arrays.js';
import { percentile } from '../volume/histogram.js';
import { type ArchitectureName, architectures } from './architecture.js';
import type { Fingerprint } from './fingerprint.js';
import { type Images, lowResolution, patchAndNetwork } from './plan-sizes.js';
import { product } from './topology.js';

export interface PlanOptions {
  readonly architecture: ArchitectureName | 'compact';
  /** Memory that a training step may take, in nnU-Net's GB of graphics memory; its default is 8. */
  readonly memoryGb: number;
  /** nnU-Net's `3d_fullres` where none is given. */
  readonly configuration?: PlannedConfiguration;
}

/** What the plan says about the training set itself. */
export interface PlannedDataset {
  readonly name: string;
  readonly channelNames: readonly string[];
  readonly classCount: number;
  readonly caseCount: number;
}

/** A `plans.json` as nnU-Net v2 writes it, with one configuration. */
export type Plans = ReturnType<typeof planFor>;

/** Schemes by channel name, as nnU-Net recognises them; all others are standardised. */
const schemeOfChannel: Readonly<Record<string, NormalizationScheme>> = {
  ct: 'CTNormalization',
  nonorm: 'NoNormalization',
  rescale_to_0_1: 'RescaleTo01Normalization',
  rgb_to_0_1: 'RGBTo01Normalization',
};

/**
 * Plans preprocessing and network for a training set by nnU-Net v2's rules (Isensee et al. 2021, doi
 * 10.1038/s41592-020-01008-z; ExperimentPlanner and nnUNetPlannerResEncM of nnunetv2 2.8), for one of its
 * configurations.
 * @throws DawsonError `inputs-conflict` for a configuration that nnU-Net does not plan for such images,
 *   `usage` for one of which there is no compact network.
 */
export function planFor(fingerprint: Fingerprint, dataset: PlannedDataset, options: PlanOptions) {
  const { architecture, configuration = configurationName } = options;
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
  const images = { spacing, medianShape };
  const sizes =
    architecture === 'compact'
      ? compactSizes(images, configuration)
      : nnunetSizes(images, dataset, { ...options, architecture, configuration });
  const plansName = isCompact ? 'DawsonCompactPlans' : architectures[architecture].plansName;
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
    plans_name: plansName,
    original_median_spacing_after_transp: permuteAxes(medianOf(fingerprint.spacingsMm), order),
    original_median_shape_after_transp: permuteAxes(
      medianOf(fingerprint.shapesAfterCrop),
      order,
    ).map(roundHalfToEven),
    image_reader_writer: 'SimpleITKIO',
    transpose_forward: order,
    transpose_backward: inverseOrder(order),
    configurations: {
      [configuration]: {
        data_identifier: preparedAs(configuration, plansName),
        preprocessor_name: 'DefaultPreprocessor',
        batch_size: sizes.batch_size,
        patch_size: sizes.patch_size,
        median_image_size_in_voxels: sizes.median_image_size_in_voxels,
        spacing: sizes.spacing,
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
        ...cascadeFields(configuration),
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

/** Name of the prepared images: of all but low resolution nnU-Net's planners share them. */
function preparedAs(configuration: PlannedConfiguration, plansName: string): string {
  if (configuration === lowResolutionConfiguration) return `${plansName}_${configuration}`;
  return `nnUNetPlans_${configuration === cascadeConfiguration ? configurationName : configuration}`;
}

/** What a network of a cascade says of the other one. */
function cascadeFields(configuration: PlannedConfiguration): Readonly<Record<string, string>> {
  if (configuration === lowResolutionConfiguration) {
    return { [nextStageField]: cascadeConfiguration };
  }
  if (configuration === cascadeConfiguration) {
    return { [previousStageField]: lowResolutionConfiguration };
  }
  return {};
}

type PlannedImages = Pick<Images, 'spacing' | 'medianShape'>;

/** What compact networks are planned with, whatever the images. */
function compactSizes({ medianShape }: PlannedImages, configuration: PlannedConfiguration) {
  if (configuration !== configurationName) {
    throw new DawsonError('usage', {
      expected: `--architecture plain or residual for ${configuration}`,
      found: `compact, which is planned as ${configurationName} alone`,
    });
  }
  return { ...compactImages, median_image_size_in_voxels: medianShape };
}

/**
 * Patch, batch and network of a configuration, and the images that it sees.
 * @param images in three axes, at full resolution
 */
function nnunetSizes(
  images: PlannedImages,
  dataset: PlannedDataset,
  options: Required<PlanOptions> & { readonly architecture: ArchitectureName },
) {
  const full: Images = { ...images, voxels: product(images.medianShape) * dataset.caseCount };
  const { configuration } = options;
  const budget = { ...options, classCount: dataset.classCount };
  if (configuration === sliceConfiguration) {
    const slices = {
      spacing: full.spacing.slice(1),
      medianShape: full.medianShape.slice(1),
      voxels: full.voxels,
    };
    return { ...patchAndNetwork(slices, budget), batch_dice: true };
  }
  if (full.medianShape[0] === 1) {
    throw notPlanned(
      dataset,
      configuration,
      'images of one slice',
      'Plan with --configuration 2d.',
    );
  }
  const low = lowResolution(full, budget);
  // A cascade begins with a network of low resolution, and ends as one of full resolution.
  if (configuration === configurationName || (configuration === cascadeConfiguration && low)) {
    return { ...patchAndNetwork(full, budget), batch_dice: low !== undefined };
  }
  if (low) return { ...patchAndNetwork(low, budget), batch_dice: false };
  throw notPlanned(
    dataset,
    configuration,
    'images of which a patch at full resolution shows enough, or nearly',
    'Leave --configuration out: 3d_fullres is what nnU-Net trains on them. A smaller --memory gives ' +
      'smaller patches.',
  );
}

const notPlanned = (
  { name }: PlannedDataset,
  configuration: string,
  found: string,
  advice: string,
) =>
  new DawsonError('inputs-conflict', {
    file: name,
    expected: `a training set for which nnU-Net plans ${configuration}`,
    found,
    advice,
  });

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
