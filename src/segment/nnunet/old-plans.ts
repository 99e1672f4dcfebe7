import { DawsonError } from '../../errors.js';
import { configurationOf, sliceConfiguration } from '../../model/nnunet-plans.js';
import { importedFields, usualLayers, usualSliceLayers } from '../../network/index.js';

/** What nnU-Net v2 before version 2.4 says about a network, in place of `architecture`. */
interface OldConfiguration {
  readonly UNet_class_name: 'PlainConvUNet' | 'ResidualEncoderUNet';
  readonly UNet_base_num_features: number;
  readonly unet_max_num_features: number;
  readonly conv_kernel_sizes: unknown;
  readonly pool_op_kernel_sizes: unknown;
  readonly n_conv_per_stage_encoder: readonly unknown[];
  readonly n_conv_per_stage_decoder: unknown;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Plans with an `architecture`, as nnU-Net v2 writes them since version 2.4; older plans are
 * completed by the rule of nnU-Net itself (ConfigurationManager), newer ones come back as they are.
 * @throws DawsonError `bad-model` for old plans without what the rule needs.
 */
export function withArchitecture(
  plans: Readonly<Record<string, unknown>>,
  file: string,
): Readonly<Record<string, unknown>> {
  const { configurations } = plans;
  if (!isObject(configurations)) return plans;
  const name = configurationOf(plans);
  const configuration = configurations[name] as Partial<OldConfiguration> | undefined;
  if (!isObject(configuration) || Object.hasOwn(configuration, 'architecture')) return plans;
  const {
    UNet_class_name: networkClass,
    UNet_base_num_features: first,
    unet_max_num_features: most,
    n_conv_per_stage_encoder: encoder,
    ...others
  } = configuration;
  const places = { PlainConvUNet: 'n_conv_per_stage', ResidualEncoderUNet: 'n_blocks_per_stage' };
  if (
    typeof networkClass !== 'string' ||
    !Object.hasOwn(places, networkClass) ||
    !Array.isArray(encoder) ||
    encoder.length > 10 ||
    typeof first !== 'number' ||
    typeof most !== 'number'
  ) {
    throw new DawsonError('bad-model', {
      file,
      expected: `an architecture in configurations.${name}`,
      found: 'none, nor that of an older version of nnU-Net',
      advice:
        'Take plans.json as nnU-Net wrote it beside the folds; a network of another planner is predicted ' +
        'with the program that trained it.',
    });
  }
  const architecture = {
    network_class_name: `dynamic_network_architectures.architectures.unet.${networkClass}`,
    arch_kwargs: {
      n_stages: encoder.length,
      features_per_stage: encoder.map((_, stage) => Math.min(first * 2 ** stage, most)),
      kernel_sizes: others.conv_kernel_sizes,
      strides: others.pool_op_kernel_sizes,
      [places[networkClass!]]: encoder,
      n_conv_per_stage_decoder: others.n_conv_per_stage_decoder,
      ...(name === sliceConfiguration ? usualSliceLayers : usualLayers),
    },
    _kw_requires_import: importedFields,
  };
  const completed = { ...configuration, architecture };
  return { ...plans, configurations: { ...configurations, [name]: completed } };
}
