import { DawsonError } from '../../errors.js';

/** What a trainer class makes of the network that plans describe. */
export interface TrainerNetwork {
  /** Arguments of the architecture that it sets, in nnU-Net v2's terms. */
  readonly layers?: Readonly<Record<string, unknown>>;
  /** Convolutions in every stage of encoder and decoder. */
  readonly convolutions?: number;
  /** Features of the first stage. */
  readonly firstFeatures?: number;
  /** Edge of all kernels. */
  readonly kernelEdge?: number;
  /** Outputs are regions of labels, each with a sigmoid: those of BraTS. */
  readonly outputs?: 'brats-regions';
  /** The network was trained without mirroring, and may not be given mirrored images. */
  readonly unmirrored?: true;
}

interface Refused {
  /** Why Dawson does not build the network. */
  readonly refused: string;
}

const usual: TrainerNetwork = {};
const batchNorm: TrainerNetwork = {
  layers: {
    norm_op: 'torch.nn.modules.batchnorm.BatchNorm3d',
    norm_op_kwargs: { eps: 1e-5, affine: true },
  },
};
const relu = { nonlin: 'torch.nn.ReLU', nonlin_kwargs: { inplace: true } };
const classifierBias = { seg_output_use_bias: true };
const helpers = 'nnunet.network_architecture.custom_modules';
const cascade: Refused = {
  refused: 'the second network of a cascade, which takes what the first one found',
};
const residual: Refused = { refused: 'another architecture (FabiansUNet)' };
const transformer: Refused = { refused: 'another architecture (Primus, a transformer)' };

/** `prefix` and then each of these. */
const named = (prefix: string, names: string): string[] =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => (name === '.' ? prefix : prefix + name));

const rows = (
  names: readonly string[],
  network: TrainerNetwork | Refused,
): [string, TrainerNetwork | Refused][] => names.map((name) => [name, network]);

/**
 * Every trainer class that nnunet 1.7.1 ships, by its name. What each computes was found by building
 * its network: test/goldens/segment/make_nnunet_trainers.py.
 */
const version1 = new Map<string, TrainerNetwork | Refused>([
  ...rows(named('nnUNetTrainer', '. CE NoDA V2'), usual),
  ...rows(
    named(
      'nnUNetTrainerV2_',
      `2epochs 2epochs_dummyLoad 5epochs 5epochs_CEnoDS 5epochs_dummyLoad 5epochs_dummyLoadCEnoDS
      5epochs_noDS Adam Adam_ReduceOnPlateau Adam_nnUNetTrainerlr DA2 DA3 DA5 DDP DDP_5epochs
      DDP_5epochs_dummyLoad DP ForceBD ForceSD Loss_CE Loss_CEGDL Loss_Dice Loss_DiceCE_noSmooth
      Loss_DiceTopK10 Loss_Dice_LR1en3 Loss_Dice_squared Loss_DicewithBG Loss_DicewithBG_LR1en3
      Loss_MCC Loss_MCCnoBG Loss_TopK10 Ranger_lr1en2 Ranger_lr3en3 Ranger_lr3en4
      SGD_ReduceOnPlateau SGD_fixedSchedule SGD_fixedSchedule2 SGD_lr1en1 SGD_lr1en3 SegLoss_Focal
      copy1 copy2 copy3 copy4 cycleAtEnd cycleAtEnd2 fp16 fp32 fullEvals
      graduallyTransitionFromCEToDice independentScalePerAxis insaneDA momentum09 momentum095
      momentum098 momentum09in2D noDeepSupervision reduceMomentumDuringTraining resample33
      softDeepSupervision warmup`,
    ),
    usual,
  ),
  ...rows(named('nnUNetTrainerV2_', 'noDataAugmentation noMirroring'), { unmirrored: true }),
  ...rows(named('nnUNetTrainerV2', '_BN _DA3_BN _MMS BraTSRegions_BN'), batchNorm),
  ...rows(named('nnUNetTrainerV2BraTSRegions', '. _DA3 _DA3_BD _DDP _Dice'), {
    outputs: 'brats-regions',
  }),
  ...rows(named('nnUNetTrainerV2BraTSRegions', '_DA3_BN _DA3_BN_BD _DA4_BN _DA4_BN_BD'), {
    ...batchNorm,
    outputs: 'brats-regions',
  }),
  ['nnUNetTrainerV2_ReLU', { layers: relu }],
  ['nnUNetTrainerV2_ReLU_biasInSegOutput', { layers: { ...relu, ...classifierBias } }],
  ['nnUNetTrainerV2_ReLU_convReLUIN', { layers: { ...relu, nonlin_first: true } }],
  ['nnUNetTrainerV2_lReLU_biasInSegOutput', { layers: classifierBias }],
  ['nnUNetTrainerV2_lReLU_convReLUIN', { layers: { nonlin_first: true } }],
  ['nnUNetTrainerV2_LReLU_slope_2en1', { layers: { nonlin_kwargs: { negative_slope: 0.2 } } }],
  ['nnUNetTrainerV2_GeLU', { layers: { nonlin: 'torch.nn.GELU', nonlin_kwargs: {} } }],
  ['nnUNetTrainerV2_Mish', { layers: { nonlin: 'torch.nn.Mish', nonlin_kwargs: {} } }],
  [
    'nnUNetTrainerV2_GN',
    {
      layers: {
        norm_op: `${helpers}.helperModules.MyGroupNorm`,
        norm_op_kwargs: { eps: 1e-5, affine: true, num_groups: 8 },
      },
    },
  ],
  [
    'nnUNetTrainerV2_FRN',
    {
      layers: {
        norm_op: `${helpers}.feature_response_normalization.FRN3D`,
        norm_op_kwargs: { eps: 1e-6 },
        nonlin: null,
        nonlin_kwargs: null,
      },
    },
  ],
  ...rows(named('nnUNetTrainerV2_', 'NoNormalization NoNormalization_lr1en3'), {
    layers: { norm_op: null, norm_op_kwargs: null },
  }),
  ['nnUNetTrainerV2_3ConvPerStage', { convolutions: 3, firstFeatures: 24 }],
  ['nnUNetTrainerV2_3ConvPerStageSameFilters', { convolutions: 3 }],
  ['nnUNetTrainerV2_allConv3x3', { kernelEdge: 3 }],
  ...rows(
    named('nnUNetTrainerV2_ResencUNet', '. _DA3 _DA3_BN _SimonsInit _SimonsInit_DA5'),
    residual,
  ),
  ...rows(
    named(
      'nnUNetTrainerV2CascadeFullRes',
      `. _EducatedGuess _EducatedGuess2 _EducatedGuess3 _lowerLR _noConnComp _shorter
      _shorter_lowerLR _smallerBinStrel`,
    ),
    cascade,
  ),
  ['nnUNetTrainerCascadeFullRes', cascade],
]);

/** Every trainer class that nnunetv2 2.8.1 ships. Axes to mirror stand in its checkpoints. */
const version2 = new Map<string, TrainerNetwork | Refused>([
  ...rows(
    named(
      'nnUNetTrainer',
      `. Adam Adam1en3 Adam3en4 Adan Adan1en1 Adan1en3 Adan3en4 AdanCosAnneal
      Benchmark_5epochs Benchmark_5epochs_noDataLoading CELoss CELoss_5epochs CosAnneal DA5
      DA5Segord0 DA5_10epochs DA5ord0 DiceCELoss_noSmooth DiceLoss DiceTopK10Loss
      NoDA NoDeepSupervision NoMirroring Topk10Loss Topk10LossLS01 VanillaAdam VanillaAdam1en3
      VanillaAdam3en4 _100epochs _10epochs _1epoch _2000epochs _2000epochs_NoMirroring _20epochs
      _250epochs _250epochs_NoMirroring _4000epochs _4000epochs_NoMirroring _500epochs _50epochs
      _5epochs _750epochs _8000epochs _8000epochs_NoMirroring _DASegOrd0 _DASegOrd0_NoMirroring
      _noDummy2DDA _onlyMirror01 _onlyMirror01_1500ep _onlyMirror01_DA5 _onlyMirror01_DASegOrd0
      _probabilisticOversampling _probabilisticOversampling_010 _probabilisticOversampling_033
      _warmup`,
    ),
    usual,
  ),
  ['nnUNet_Trainer_BS8', usual],
  ['nnUNetTrainerBN', batchNorm],
  ['AbstractPrimus', transformer],
  ...rows(
    named(
      'nnUNet_Primus',
      `_S_Trainer _B_Trainer _M_Trainer _M_Trainer_BS8 _M_Trainer_BS8_2e4 _L_Trainer V2S_Trainer
      V2B_Trainer V2M_Trainer V2L_Trainer V3S_Trainer V3B_Trainer V3M_Trainer V3L_Trainer`,
    ),
    transformer,
  ),
  ...rows(named('_Primus', '_S_96_BS1 _B_96_BS1 _M_96_BS1 _L_48_BS1'), transformer),
]);

/** The trainer classes that are known, by the version of nnU-Net that ships them. */
export const knownTrainers: Readonly<Record<1 | 2, ReadonlyMap<string, TrainerNetwork | Refused>>> =
  { 1: version1, 2: version2 };

/**
 * The network of the trainer class that a checkpoint names.
 * @param takenFor the known class whose network an unknown class is said to have
 * @throws DawsonError `bad-model` for a class whose network Dawson does not build, and one that is not
 *   known; `usage` where a known class is said to be another.
 */
export function networkOfTrainer(
  version: 1 | 2,
  name: string,
  takenFor: string | undefined,
  file: string,
): TrainerNetwork {
  const known = knownTrainers[version];
  const own = known.get(name);
  if (own && takenFor !== undefined && takenFor !== name) {
    throw new DawsonError('usage', {
      file,
      expected: 'no --trainer-is: the trainer class is known',
      found: `${name}, said to be ${takenFor}`,
    });
  }
  const network = own ?? (takenFor === undefined ? undefined : known.get(takenFor));
  if (network === undefined) {
    throw new DawsonError('bad-model', {
      file,
      expected: `a trainer class that nnU-Net v${version} ships`,
      found: takenFor ?? name,
      advice:
        'Its network may compute something else than its weights show. If you know that it is the ' +
        `network of a class that nnU-Net ships, name that class: --trainer-is ${usualTrainer[version]}.`,
    });
  }
  if ('refused' in network) {
    throw new DawsonError('bad-model', {
      file,
      expected: 'a network that Dawson builds (docs/models.md lists the trainer classes)',
      found: `${takenFor ?? name}: ${network.refused}`,
      advice: 'Predict with nnU-Net itself, or train a network of a class that Dawson builds.',
    });
  }
  return network;
}

const usualTrainer = { 1: 'nnUNetTrainerV2', 2: 'nnUNetTrainer' } as const;

/** The part of an architecture of nnU-Net's plans that trainers change. */
export interface Architecture {
  readonly conv_op: unknown;
  readonly kernel_sizes: readonly (readonly number[])[];
  readonly n_conv_per_stage?: readonly unknown[];
  readonly n_conv_per_stage_decoder: readonly unknown[];
}

const isOfSlices = ({ conv_op }: Architecture) => /\bConv2d$/.test(`${conv_op}`);

/** Layers under the names that they have in a network of slices. */
const forSlices = (layers: TrainerNetwork['layers'] = {}) =>
  Object.fromEntries(
    Object.entries(layers).map(([field, value]) => [
      field,
      typeof value === 'string' ? value.replace(/3d$/, '2d') : value,
    ]),
  );

/** The arguments of an architecture as a trainer class changes them. */
export const changedArchitecture = <T extends Architecture>(
  architecture: T,
  { layers, convolutions, kernelEdge }: TrainerNetwork,
): T => ({
  ...architecture,
  ...(isOfSlices(architecture) ? forSlices(layers) : layers),
  ...(kernelEdge && {
    kernel_sizes: architecture.kernel_sizes.map((kernel) => kernel.map(() => kernelEdge)),
  }),
  ...(convolutions && {
    n_conv_per_stage: architecture.n_conv_per_stage?.map(() => convolutions),
    n_conv_per_stage_decoder: architecture.n_conv_per_stage_decoder.map(() => convolutions),
  }),
});
