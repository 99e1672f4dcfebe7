import { DawsonError } from '../errors.js';
import { type Axes3, voxelsIn } from '../volume/arrays.js';

/** nnU-Net v2's names of its normalisation schemes. */
export const normalizationSchemes = [
  'ZScoreNormalization',
  'CTNormalization',
  'NoNormalization',
  'RescaleTo01Normalization',
  'RGBTo01Normalization',
] as const;
export type NormalizationScheme = (typeof normalizationSchemes)[number];

/** Intensities of the foreground of the training set, in the images' units. */
export interface IntensityProperties {
  readonly mean: number;
  readonly median: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
  readonly percentile_00_5: number;
  readonly percentile_99_5: number;
}

export interface ChannelPlan {
  readonly scheme: NormalizationScheme;
  /** Normalise inside of the non-zero region only. */
  readonly useMask: boolean;
  readonly intensities: IntensityProperties;
}

/** Degree of the interpolating spline: 0 nearest, 1 linear, 3 cubic. */
export type SplineOrder = 0 | 1 | 3;

/**
 * How a network sees an exam:
 * - `nnunet`: cropped to what is not 0 and prepared as the plan says, mirrored as in training;
 * - `brain`: as Dawson's own lesion network: the brain in cubic voxels of 1 mm, each sequence in
 *   deviations of the whole brain up to 6, windows that overlap by half, each second one mirrored;
 * - `head`: as Dawson's own anatomy network, which finds no lesions: the head laid on the head atlas.
 */
export const modelInputs = ['nnunet', 'brain', 'head'] as const;
export type ModelInput = (typeof modelInputs)[number];

/** In the configuration of a `plans.json`; without it the input is nnU-Net's. */
export const inputField = 'dawson_input';

/** In the configuration of the second network of a cascade: the name of the first. */
export const previousStageField = 'previous_stage';
/** In the configuration of the first network of a cascade: the name of the second, or of several. */
export const nextStageField = 'next_stage';

/**
 * What a `plans.json` says about images: how they are prepared for the network and how its output
 * returns to them. All axes in the plan's order, after `transposeForward`.
 */
export interface ImagePlan {
  readonly input: ModelInput;
  /** Axis a of the network's arrays is axis `transposeForward[a]` of the file's. */
  readonly transposeForward: Axes3;
  /** Voxels of the network's images; {@link spacingFor} says which it is for one image. */
  readonly spacingMm: Axes3;
  /** A network of slices (nnU-Net's `2d`) sees them one by one, as far apart as they are. */
  readonly bySlice?: true;
  /** The second network of a cascade also takes the labels that the first one found. */
  readonly takesLabels?: true;
  readonly patchShape: Axes3;
  readonly batchSize: number;
  readonly channels: readonly ChannelPlan[];
  /** nnU-Net v2 normalises images before they are resampled, v1 after it. */
  readonly normalizesFirst: boolean;
  readonly imageOrder: SplineOrder;
  readonly imageOrderAcross: SplineOrder;
  readonly labelOrder: SplineOrder;
  readonly outputOrder: SplineOrder;
  readonly outputOrderAcross: SplineOrder;
}

/** The configuration that is planned and trained where no other is asked for. */
export const configurationName = '3d_fullres';
/** That of networks of slices, whose plans have two axes in the place of three. */
export const sliceConfiguration = '2d';
/** Larger voxels, so that a patch shows more. */
export const lowResolutionConfiguration = '3d_lowres';
/** The second network of a cascade: at full resolution, with the labels that the one above found. */
export const cascadeConfiguration = '3d_cascade_fullres';
/** Those that Dawson plans and trains; the first one of them that plans have is the model's. */
export const plannedConfigurations = [
  configurationName,
  sliceConfiguration,
  lowResolutionConfiguration,
  cascadeConfiguration,
] as const;
export type PlannedConfiguration = (typeof plannedConfigurations)[number];

/** Which configuration of its plans a model is. */
export function configurationOf(plans: unknown): PlannedConfiguration {
  const { configurations } = (plans ?? {}) as { configurations?: unknown };
  const all = typeof configurations === 'object' && configurations !== null ? configurations : {};
  return plannedConfigurations.find((name) => Object.hasOwn(all, name)) ?? configurationName;
}

/**
 * Plans of one configuration alone, with what it inherits from another; `undefined` where they lack
 * either, or where that inherits itself, which nnU-Net does not write.
 */
export function plansOfOne(
  plans: unknown,
  name: string,
): Readonly<Record<string, unknown>> | undefined {
  const { configurations } = (plans ?? {}) as { configurations?: unknown };
  const configuration = (of: unknown): Readonly<Record<string, unknown>> | undefined => {
    const has = typeof configurations === 'object' && configurations !== null;
    if (!has || !Object.hasOwn(configurations, `${of}`)) return undefined;
    const found = (configurations as Record<string, unknown>)[`${of}`];
    return typeof found === 'object' && found !== null ? { ...found } : undefined;
  };
  const { inherits_from: parent, ...own } = configuration(name) ?? {};
  const inherited = parent === undefined ? {} : configuration(parent);
  if (!configuration(name) || !inherited || inherited.inherits_from !== undefined) return undefined;
  return { ...(plans as object), configurations: { [name]: { ...inherited, ...own } } };
}

/** The spacing at which a network takes an image: slices of `2d` stay as far apart as they are. */
export const spacingFor = ({ spacingMm, bySlice }: ImagePlan, ofImageMm: Axes3): Axes3 =>
  bySlice ? [ofImageMm[0], spacingMm[1], spacingMm[2]] : spacingMm;

/** Name of nnU-Net v1's way to prepare images; v2 has another. */
export const version1Preprocessor = 'GenericPreprocessor';

/** Larger patches than any machine holds: bounds on what a hostile file can ask for. */
const longestPatchEdge = 1024;
const mostPatchVoxels = 2 ** 27;

/**
 * The image part of a parsed `plans.json` (nnU-Net v2's format).
 * @throws DawsonError `bad-model` naming the first field that is missing, malformed, or asks for
 *   something that Dawson does not do.
 */
export function imagePlanOf(plans: unknown, file: string): ImagePlan {
  const root = new PlanFields(plans, '', file);
  const name = configurationOf(plans);
  const bySlice = name === sliceConfiguration;
  const configuration = root.child('configurations').child(name);
  const inPlan = (field: string, allowed: (value: number) => boolean): Axes3 =>
    bySlice ? [1, ...configuration.inPlane(field, allowed)] : configuration.axes(field, allowed);
  const schemes = configuration.array('normalization_schemes', 1, 16);
  const masks = configuration.array('use_mask_for_norm', schemes.length, schemes.length);
  const properties = root.child('foreground_intensity_properties_per_channel');
  const images = resampling(configuration, 'resampling_fn_data');
  const labels = resampling(configuration, 'resampling_fn_seg');
  const output = resampling(configuration, 'resampling_fn_probabilities');
  const transposeForward = root.axes('transpose_forward', (value) => [0, 1, 2].includes(value));
  if (new Set(transposeForward).size !== 3) root.fail('transpose_forward', 'three different axes');
  const patchShape = inPlan(
    'patch_size',
    (value) => Number.isInteger(value) && value >= 1 && value <= longestPatchEdge,
  );
  if (voxelsIn(patchShape) > mostPatchVoxels)
    configuration.fail('patch_size', 'at most 2^27 voxels');
  return {
    input: inputOf(configuration),
    transposeForward,
    spacingMm: inPlan('spacing', (value) => value > 0 && value < 1000),
    ...(bySlice && { bySlice }),
    ...(configuration.value(previousStageField) != null && { takesLabels: true }),
    patchShape,
    batchSize: configuration.number(
      'batch_size',
      (n) => Number.isInteger(n) && n >= 1 && n <= 1024,
    ),
    channels: schemes.map((scheme, channel) => {
      if (!normalizationSchemes.includes(scheme as NormalizationScheme)) {
        configuration.fail('normalization_schemes', `one of ${normalizationSchemes.join(', ')}`);
      }
      if (typeof masks[channel] !== 'boolean') {
        configuration.fail('use_mask_for_norm', 'true or false for each channel');
      }
      return {
        scheme: scheme as NormalizationScheme,
        useMask: masks[channel] as boolean,
        intensities: intensities(properties.child(String(channel))),
      };
    }),
    normalizesFirst: configuration.value('preprocessor_name') !== version1Preprocessor,
    imageOrder: images.order,
    imageOrderAcross: images.orderAcross,
    labelOrder: labels.order,
    outputOrder: output.order,
    outputOrderAcross: output.orderAcross,
  };
}

function inputOf(configuration: PlanFields): ModelInput {
  const given = configuration.value(inputField) ?? 'nnunet';
  const input = modelInputs.find((name) => name === given);
  return input ?? configuration.fail(inputField, `one of ${modelInputs.join(', ')}`);
}

function resampling(configuration: PlanFields, name: string) {
  const given = configuration.value(name);
  if (given !== 'resample_data_or_seg_to_shape') {
    configuration.fail(name, 'resample_data_or_seg_to_shape');
  }
  const options = configuration.child(`${name}_kwargs`);
  const isOrder = (value: number) => value === 0 || value === 1 || value === 3;
  if ((options.value('force_separate_z') ?? null) !== null) {
    options.fail('force_separate_z', 'null: the rule decides');
  }
  return {
    order: options.number('order', isOrder) as SplineOrder,
    orderAcross: options.number('order_z', isOrder) as SplineOrder,
  };
}

function intensities(fields: PlanFields): IntensityProperties {
  const number = (name: string) => fields.number(name, Number.isFinite);
  return {
    mean: number('mean'),
    median: number('median'),
    std: number('std'),
    min: number('min'),
    max: number('max'),
    percentile_00_5: number('percentile_00_5'),
    percentile_99_5: number('percentile_99_5'),
  };
}

/** Fields of a JSON object of unknown origin, read one by one; failures name their place. */
class PlanFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #place: string;
  readonly #file: string;

  constructor(value: unknown, place: string, file: string) {
    this.#file = file;
    this.#place = place;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#fields = {};
      this.fail('', 'an object');
    }
    this.#fields = value as Record<string, unknown>;
  }

  value(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  child(name: string): PlanFields {
    return new PlanFields(this.value(name), `${this.#place}${name}.`, this.#file);
  }

  number(name: string, allowed: (value: number) => boolean): number {
    const value = this.value(name);
    if (typeof value !== 'number' || !allowed(value)) this.fail(name, 'a number in its range');
    return value as number;
  }

  array(name: string, shortest: number, longest: number): readonly unknown[] {
    const value = this.value(name);
    if (!Array.isArray(value) || value.length < shortest || value.length > longest) {
      this.fail(
        name,
        shortest === longest ? `${shortest} values` : `${shortest} to ${longest} values`,
      );
    }
    return value as unknown[];
  }

  axes(name: string, allowed: (value: number) => boolean): Axes3 {
    return this.#numbers(name, 3, allowed) as unknown as Axes3;
  }

  /** The two numbers of a network of slices. */
  inPlane(name: string, allowed: (value: number) => boolean): readonly [number, number] {
    return this.#numbers(name, 2, allowed) as unknown as readonly [number, number];
  }

  #numbers(name: string, count: number, allowed: (value: number) => boolean): readonly number[] {
    const values = this.array(name, count, count);
    const isAllowed = (value: unknown): value is number =>
      typeof value === 'number' && allowed(value);
    return values.every(isAllowed) ? values : this.fail(name, `${count} numbers in their range`);
  }

  fail(name: string, expected: string): never {
    const found = name === '' ? 'something else' : (JSON.stringify(this.value(name)) ?? 'nothing');
    throw new DawsonError('bad-model', {
      file: this.#file,
      expected: `${expected} in ${this.#place}${name}`.replace(/\.$/, ''),
      found: found.length > 80 ? `${found.slice(0, 80)}…` : found,
      advice:
        'The plans ask for what Dawson does not do, or are not nnU-Net’s: see docs/models.md.',
    });
  }
}
