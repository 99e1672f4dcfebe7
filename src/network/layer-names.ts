import { type Activation, type LayerKinds, leakySlope, type Norm } from './layer-kinds.js';

/** What an architecture says about its layers: classes of Python by name, with their arguments. */
export interface LayerFields {
  readonly norm_op: unknown;
  readonly norm_op_kwargs?: unknown;
  readonly nonlin: unknown;
  readonly nonlin_kwargs?: unknown;
  readonly dropout_op: unknown;
  readonly nonlin_first?: unknown;
}

type Arguments = Readonly<Record<string, unknown>>;

/** A class that Dawson knows: which arguments it may have, and what they make of it. */
interface KnownClass<Kind> {
  readonly takes: readonly string[];
  kind(given: Arguments): Kind | undefined;
}

const isBetween = (value: unknown, low: number, high: number): value is number =>
  typeof value === 'number' && value >= low && value <= high;

const normOf = (kind: 'instance' | 'batch', affineByDefault: boolean): KnownClass<Norm> => ({
  takes: ['eps', 'affine'],
  kind: ({ eps = 1e-5, affine = affineByDefault }) =>
    isBetween(eps, 1e-12, 1) && affine === true ? { kind, epsilon: eps } : undefined,
});

const knownNorms: Readonly<Record<string, KnownClass<Norm>>> = {
  InstanceNorm3d: normOf('instance', false),
  InstanceNorm2d: normOf('instance', false),
  BatchNorm3d: normOf('batch', true),
  BatchNorm2d: normOf('batch', true),
  /** nnU-Net v1's: groups of channels, PyTorch's GroupNorm. */
  MyGroupNorm: {
    takes: ['eps', 'affine', 'num_groups'],
    kind: ({ eps = 1e-5, affine = true, num_groups: groups = 8 }) =>
      isBetween(eps, 1e-12, 1) && affine === true && isBetween(groups, 1, 2048)
        ? { kind: 'group', epsilon: eps, groups: Math.trunc(groups) }
        : undefined,
  },
  /** nnU-Net v1's filter response normalisation (arXiv 1911.09737). */
  FRN3D: {
    takes: ['eps'],
    kind: ({ eps = 1e-6 }) =>
      isBetween(eps, 1e-12, 1) ? { kind: 'response', epsilon: eps } : undefined,
  },
};

const knownActivations: Readonly<Record<string, KnownClass<Activation>>> = {
  LeakyReLU: {
    takes: ['inplace', 'negative_slope'],
    kind: ({ negative_slope: slope = leakySlope }) =>
      isBetween(slope, 0, 1) ? { kind: 'leaky-relu', slope } : undefined,
  },
  ReLU: { takes: ['inplace'], kind: () => ({ kind: 'leaky-relu', slope: 0 }) },
  GELU: { takes: [], kind: () => ({ kind: 'gelu' }) },
  Mish: { takes: ['inplace'], kind: () => ({ kind: 'mish' }) },
};

/** Such as 'torch.nn.modules.activation.LeakyReLU'. */
const simpleName = (name: string) => name.slice(name.lastIndexOf('.') + 1);

type Fail = (expected: string, found: string) => never;

function kindOf<Kind>(
  known: Readonly<Record<string, KnownClass<Kind>>>,
  field: string,
  name: unknown,
  given: unknown,
  fail: Fail,
): Kind {
  const shown = `${name}`.slice(0, 100);
  if (typeof name !== 'string' || !Object.hasOwn(known, simpleName(name))) {
    return fail(`one of ${Object.keys(known).join(', ')} as ${field}`, shown);
  }
  const { takes, kind } = known[simpleName(name)];
  const args = typeof given === 'object' && given !== null ? (given as Arguments) : {};
  const others = Object.keys(args).filter((key) => !takes.includes(key));
  const made = others.length === 0 ? kind(args) : undefined;
  return made ?? fail(`usual arguments of ${shown}`, JSON.stringify(args).slice(0, 100));
}

/**
 * The layers that an architecture names.
 * @param fail called with what was expected and what was found
 */
export function layerKindsOf(fields: LayerFields, fail: Fail): LayerKinds {
  const { norm_op, norm_op_kwargs, nonlin, nonlin_kwargs, dropout_op, nonlin_first } = fields;
  const norm: Norm =
    norm_op === null
      ? { kind: 'none' }
      : kindOf(knownNorms, 'norm_op', norm_op, norm_op_kwargs, fail);
  const activation: Activation =
    nonlin === null
      ? { kind: 'none' }
      : kindOf(knownActivations, 'nonlin', nonlin, nonlin_kwargs, fail);
  // Dropout acts in training only.
  if (
    dropout_op !== null &&
    !(typeof dropout_op === 'string' && /\bDropout[23]d$/.test(dropout_op))
  ) {
    fail('Dropout3d, Dropout2d or null as dropout_op', `${dropout_op}`.slice(0, 100));
  }
  if (nonlin_first !== undefined && typeof nonlin_first !== 'boolean') {
    fail('true or false as nonlin_first', 'something else');
  }
  return { norm, activation, activationFirst: nonlin_first === true };
}
