import { Ajv, type ErrorObject } from 'ajv';
import { DawsonError } from '../errors.js';
import { mapAxes } from '../volume/affine.js';
import type { Axes3 } from '../volume/arrays.js';
import type { LayerKinds } from './layer-kinds.js';
import { type LayerFields, layerKindsOf } from './layer-names.js';

/** A U-Net as nnU-Net v2 plans it. Lists have one entry a stage, full resolution first. */
export interface UnetPlan {
  /** Convolutions in each stage, residual blocks in the encoder, or nnU-Net v1's arrangement. */
  readonly kind: 'plain' | 'residual' | 'generic';
  readonly inputChannels: number;
  readonly classes: number;
  readonly features: readonly number[];
  readonly kernels: readonly Axes3[];
  /** Strides of the first convolution of each stage. */
  readonly strides: readonly Axes3[];
  /** Convolutions (plain) or residual blocks of each level of the encoder. */
  readonly encoderBlocks: readonly number[];
  /** Convolutions of each stage of the decoder, the coarsest first: one stage less. */
  readonly decoderConvolutions: readonly number[];
  readonly convolutionBias: boolean;
  /** Whether the last convolution, which gives the logits, has a bias. */
  readonly classifierBias: boolean;
  readonly layers: LayerKinds;
}

/** A U-Net with little or no work at full resolution: Dawson's own default networks. */
export interface CompactUnetPlan {
  readonly kind: 'compact';
  readonly inputChannels: number;
  readonly classes: number;
  /** One entry a stage, half resolution first. */
  readonly features: readonly number[];
  /** Features of a branch at full resolution; without it nothing is computed there. */
  readonly fineFeatures?: number;
  readonly normEpsilon: number;
}

export type NetworkPlan = UnetPlan | CompactUnetPlan;

/** Name of {@link CompactUnetPlan}, in the place where nnU-Net's plans name a class of Python. */
export const compactNetworkClass = 'dawson.CompactUNet';

const networkClasses = {
  'dynamic_network_architectures.architectures.unet.PlainConvUNet': 'plain',
  'dynamic_network_architectures.architectures.unet.ResidualEncoderUNet': 'residual',
  // nnU-Net v1's, described with the arguments of PlainConvUNet.
  'nnunet.network_architecture.generic_UNet.Generic_UNet': 'generic',
} as const;

/** The layers of nnU-Net's networks, as its plans name them: those that Dawson builds. */
export const usualLayers = {
  conv_op: 'torch.nn.modules.conv.Conv3d',
  conv_bias: true,
  norm_op: 'torch.nn.modules.instancenorm.InstanceNorm3d',
  norm_op_kwargs: { eps: 1e-5, affine: true },
  dropout_op: null,
  dropout_op_kwargs: null,
  nonlin: 'torch.nn.LeakyReLU',
  nonlin_kwargs: { inplace: true },
} as const;
/** The same for a network of slices. */
export const usualSliceLayers = {
  ...usualLayers,
  conv_op: 'torch.nn.modules.conv.Conv2d',
  norm_op: 'torch.nn.modules.instancenorm.InstanceNorm2d',
} as const;
/** Those of them that nnU-Net imports by their names. */
export const importedFields = ['conv_op', 'norm_op', 'dropout_op', 'nonlin'] as const;

const countList = { type: 'array', items: { type: 'integer', minimum: 1, maximum: 32 } };
const axesList = (maximum: number) => ({
  type: 'array',
  items: {
    type: 'array',
    minItems: 2,
    maxItems: 3,
    items: { type: 'integer', minimum: 1, maximum },
  },
});

interface ArchitectureFields {
  network_class_name: keyof typeof networkClasses;
  arch_kwargs: {
    n_stages: number;
    features_per_stage: number[];
    conv_op: (typeof usualLayers | typeof usualSliceLayers)['conv_op'];
    kernel_sizes: number[][];
    strides: number[][];
    n_conv_per_stage?: number[];
    n_blocks_per_stage?: number[];
    n_conv_per_stage_decoder: number[];
    conv_bias: boolean;
    seg_output_use_bias?: boolean;
  } & LayerFields;
}

const validArchitecture = new Ajv({ allErrors: false }).compile<ArchitectureFields>({
  type: 'object',
  required: ['network_class_name', 'arch_kwargs'],
  properties: {
    network_class_name: { enum: Object.keys(networkClasses) },
    arch_kwargs: {
      type: 'object',
      required: [
        'n_stages',
        'features_per_stage',
        'conv_op',
        'kernel_sizes',
        'strides',
        'n_conv_per_stage_decoder',
        'conv_bias',
        'norm_op',
        'dropout_op',
        'nonlin',
      ],
      properties: {
        n_stages: { type: 'integer', minimum: 2, maximum: 10 },
        features_per_stage: {
          type: 'array',
          items: { type: 'integer', minimum: 1, maximum: 2048 },
        },
        conv_op: { enum: [usualLayers.conv_op, usualSliceLayers.conv_op] },
        kernel_sizes: axesList(15),
        strides: axesList(8),
        n_conv_per_stage: countList,
        n_blocks_per_stage: countList,
        n_conv_per_stage_decoder: countList,
        conv_bias: { type: 'boolean' },
        seg_output_use_bias: { type: 'boolean' },
      },
    },
  },
});

/** Files of a model are checked by their hashes before: what is wrong here is not a broken copy. */
const unsupportedAdvice =
  'Dawson does not build such a network: docs/models.md says which it does. Predict with the program ' +
  'that trained it.';

interface CompactFields {
  network_class_name: typeof compactNetworkClass;
  arch_kwargs: {
    features_per_stage: number[];
    fine_features?: number;
    norm_op_kwargs: { eps: number };
  };
}

const validCompact = new Ajv().compile<CompactFields>({
  type: 'object',
  required: ['network_class_name', 'arch_kwargs'],
  properties: {
    network_class_name: { const: compactNetworkClass },
    arch_kwargs: {
      type: 'object',
      additionalProperties: false,
      required: ['features_per_stage', 'norm_op_kwargs'],
      properties: {
        features_per_stage: {
          type: 'array',
          minItems: 1,
          maxItems: 6,
          items: { type: 'integer', minimum: 1, maximum: 1024 },
        },
        fine_features: { type: 'integer', minimum: 1, maximum: 256 },
        norm_op_kwargs: {
          type: 'object',
          additionalProperties: false,
          required: ['eps'],
          properties: { eps: { type: 'number', minimum: 1e-12, maximum: 1 } },
        },
      },
    },
  },
});

/** The architecture part of a `plans.json` for a compact network. */
export const compactArchitecture = ({
  features,
  fineFeatures,
  normEpsilon,
}: Pick<CompactUnetPlan, 'features' | 'fineFeatures' | 'normEpsilon'>) => ({
  network_class_name: compactNetworkClass,
  arch_kwargs: {
    features_per_stage: features,
    ...(fineFeatures && { fine_features: fineFeatures }),
    norm_op_kwargs: { eps: normEpsilon },
  },
});

/**
 * The architecture in a parsed `plans.json` (nnU-Net v2's format).
 * @param plans of unknown origin
 * @param configuration such as '3d_fullres'
 * @throws DawsonError `bad-model` naming the first field that is missing, malformed, or asks for
 *   something else than a PlainConvUNet, ResidualEncoderUNet or Generic_UNet of layers that Dawson
 *   builds ({@link layerKindsOf}), or Dawson's compact network.
 */
export function networkPlanOf(
  plans: unknown,
  configuration: string,
  { inputChannels, classes }: { readonly inputChannels: number; readonly classes: number },
  file: string,
): NetworkPlan {
  const fail = (expected: string, found: string): never => {
    throw new DawsonError('bad-model', { file, expected, found, advice: unsupportedAdvice });
  };
  const place = `configurations.${configuration}.architecture`;
  const fields = ['configurations', configuration, 'architecture'].reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined,
    plans,
  );
  const wrong = ({ errors }: { errors?: null | readonly ErrorObject[] }) =>
    fail(
      `an architecture that Dawson builds in ${place}`,
      `${errors?.[0].instancePath.replaceAll('/', '.') || 'that it'} ${errors?.[0].message}`,
    );
  if ((fields as Partial<CompactFields> | undefined)?.network_class_name === compactNetworkClass) {
    if (!validCompact(fields)) return wrong(validCompact);
    const {
      features_per_stage: features,
      fine_features,
      norm_op_kwargs: norm,
    } = fields.arch_kwargs;
    return {
      kind: 'compact',
      inputChannels,
      classes,
      features,
      ...(fine_features && { fineFeatures: fine_features }),
      normEpsilon: norm.eps,
    };
  }
  if (!validArchitecture(fields)) return wrong(validArchitecture);
  return unetPlanOf(fields, { inputChannels, classes }, place, fail);
}

type Fail = (expected: string, found: string) => never;

/** @param place of the architecture in its file, for messages */
function unetPlanOf(
  { network_class_name: className, arch_kwargs: kwargs }: ArchitectureFields,
  sizes: Pick<UnetPlan, 'inputChannels' | 'classes'>,
  place: string,
  fail: Fail,
): UnetPlan {
  const kind = networkClasses[className];
  const encoderField = kind === 'residual' ? 'n_blocks_per_stage' : 'n_conv_per_stage';
  const encoderBlocks = kwargs[encoderField] ?? fail(`${encoderField} in ${place}`, 'none');
  const lengths: readonly [string, readonly unknown[], number][] = [
    ['features_per_stage', kwargs.features_per_stage, kwargs.n_stages],
    ['kernel_sizes', kwargs.kernel_sizes, kwargs.n_stages],
    ['strides', kwargs.strides, kwargs.n_stages],
    [encoderField, encoderBlocks, kwargs.n_stages],
    ['n_conv_per_stage_decoder', kwargs.n_conv_per_stage_decoder, kwargs.n_stages - 1],
  ];
  for (const [name, list, length] of lengths) {
    if (list.length !== length) fail(`${length} entries in ${name} of ${place}`, `${list.length}`);
  }
  if (kwargs.kernel_sizes.some((kernel) => kernel.some((n) => n % 2 === 0))) {
    fail(`odd kernel_sizes in ${place}`, JSON.stringify(kwargs.kernel_sizes));
  }
  if (kwargs.strides[0].some((n) => n !== 1)) {
    fail(`strides of 1 in the first stage of ${place}`, JSON.stringify(kwargs.strides[0]));
  }
  const rank = kwargs.conv_op === usualSliceLayers.conv_op ? 2 : 3;
  /** A network of slices is one of volumes whose kernels and strides are 1 across them. */
  const axesOf = (name: 'kernel_sizes' | 'strides') =>
    kwargs[name].map((axes): Axes3 => {
      if (axes.length !== rank) fail(`${rank} axes in ${name} of ${place}`, JSON.stringify(axes));
      return (rank === 2 ? [1, ...axes] : axes) as unknown as Axes3;
    });
  return {
    kind,
    ...sizes,
    features: kwargs.features_per_stage,
    kernels: axesOf('kernel_sizes'),
    strides: axesOf('strides'),
    encoderBlocks,
    decoderConvolutions: kwargs.n_conv_per_stage_decoder,
    convolutionBias: kwargs.conv_bias,
    classifierBias: kind !== 'generic' || kwargs.seg_output_use_bias === true,
    layers: requireGroups(
      layerKindsOf(kwargs, (expected, found) => fail(`${expected} in ${place}`, found)),
      kwargs.features_per_stage,
      fail,
    ),
  };
}

/** Every stage has to fall into the groups of its norm. */
function requireGroups(layers: LayerKinds, features: readonly number[], fail: Fail): LayerKinds {
  const { norm } = layers;
  if (norm.kind === 'group' && features.some((count) => count % norm.groups !== 0)) {
    fail(`features_per_stage that are multiples of ${norm.groups} groups`, features.join(', '));
  }
  return layers;
}

/** How many resolutions a network gives logits of in training: deep supervision. */
export const levelsOf = (plan: NetworkPlan): number =>
  plan.kind === 'compact' ? 1 : plan.decoderConvolutions.length;

/** What the edges of a patch have to be multiples of. */
export function divisorOf(plan: NetworkPlan): Axes3 {
  if (plan.kind === 'compact') {
    const edge = 2 ** plan.features.length;
    return [edge, edge, edge];
  }
  return mapAxes([0, 1, 2], (axis) =>
    plan.strides.reduce((product, stride) => product * stride[axis], 1),
  );
}
