import { voxelSizeMm } from '../volume/affine.js';
import { refusalText } from './refusal.js';
import type { Stack } from './stacks.js';
import type { Series } from './study.js';

/** What a stack is besides its contrast; only volumes and reformatted ones can be chosen. */
export type StackKind =
  | 'volume'
  | 'reformatted'
  | 'derived'
  | 'localizer'
  | 'partial'
  | 'unusable'
  | 'no MR image'
  | 'own result';

export interface KindFinding {
  readonly kind: StackKind;
  readonly reason: string;
}

const magneticResonance = new Set([
  '1.2.840.10008.5.1.4.1.1.4',
  '1.2.840.10008.5.1.4.1.1.4.1',
  // Legacy converted enhanced.
  '1.2.840.10008.5.1.4.1.1.4.4',
]);

/** Words of Image Type for images that were computed from others, and what they are. */
const derivations: readonly { readonly word: RegExp; readonly is: string }[] = [
  { word: /^(SUB|SUBTRACTION|SUBTRACT)$/, is: 'a subtraction' },
  { word: /^(MIP|MINIP|MNIP|MIN_IP|PROJECTION IMAGE|THICK.*|AVERAGE)$/, is: 'a projection' },
  { word: /^(MOCO|MOTIONCORR)$/, is: 'corrected for motion after the acquisition' },
  {
    word: /^(ADC|FA|TRACEW?|TENSOR|EXP|CBF|CBV|MTT|TTP|TMAX|T1 ?MAP|T2 ?MAP|.*_MAP|R2.*|PARAMETRIC.*)$/,
    is: 'a map of computed values',
  },
  { word: /^(COMPOSED|SYNTHETIC|SYNTHETIC MRI)$/, is: 'put together from other images' },
];

const reformatting = /^(MPR|REFORMATTED|RESAMPLED|CPR|RFMT|MULTIPLANAR)$/;

const localizerName = /localizer|\bloc\b|scout|survey|smart ?brain|aascout|3[ -]?(plane|pl\b)/i;

/** A brain is longer than this in every direction, even a child's. */
const leastExtentMm = 90;
const leastFieldMm = 150;
const fewestSlices = 12;
const largestStepMm = 10;

/** What a stack of a series is. */
export function kindOf(stack: Stack, series: Series): KindFinding {
  const { instance, frame } = stack.slices[0];
  if (instance.own) return { kind: 'own result', reason: 'a result of Dawson' };
  if (!magneticResonance.has(instance.sopClass)) {
    const modality = /^[A-Z]{1,16}$/.test(instance.modality) ? instance.modality : 'unknown';
    return { kind: 'no MR image', reason: `modality ${modality}, another kind of object` };
  }
  if (isLocalizer(stack, series)) {
    return { kind: 'localizer', reason: 'a localizer: a few slices in several directions' };
  }
  const derived = derivations.find(({ word }) => frame.type.some((value) => word.test(value)));
  if (derived) return { kind: 'derived', reason: `${derived.is}, by its image type` };
  const byName = derivedByName(series.description ?? '');
  if (byName) return { kind: 'derived', reason: `${byName}, by its name` };
  if (!stack.layout) return { kind: 'unusable', reason: refusalText(stack.refusal!) };
  const partial = partialCoverage(stack, instance.protocol.bodyPart);
  if (partial) return { kind: 'partial', reason: partial };
  if (frame.type.some((word) => reformatting.test(word))) {
    return { kind: 'reformatted', reason: 'reformatted from another series' };
  }
  return frame.type[0] === 'DERIVED'
    ? { kind: 'reformatted', reason: 'derived from another series' }
    : { kind: 'volume', reason: '' };
}

/** Scanners do not always mark what they subtract: people name it. */
function derivedByName(name: string): string | undefined {
  if (/(^|[^a-z])(sub|subtraction|subtr)([^a-z]|$)/i.test(name)) return 'a subtraction';
  return /(^|[^a-z])(mip|minip)([^a-z]|$)/i.test(name) ? 'a projection' : undefined;
}

function isLocalizer(stack: Stack, series: Series): boolean {
  const { frame, instance } = stack.slices[0];
  if (frame.type.includes('LOCALIZER')) return true;
  if (looksSeveralWays(series)) return true;
  const { description = '', name = '' } = instance.protocol;
  return (
    stack.slices.length <= 30 && localizerName.test(`${description} ${name}`) && isCoarse(stack)
  );
}

/**
 * Whether a series has few slices, spread over two or three of the main directions. One or two stray
 * slices in another direction are not enough: scanners put them into series that are meant.
 */
function looksSeveralWays({ stacks }: Series): boolean {
  const slices = [0, 0, 0];
  for (const stack of stacks) {
    const normal = normalOf(stack.slices[0].frame.orientation);
    if (normal) slices[normal.indexOf(Math.max(...normal))] += stack.slices.length;
  }
  const [most, second] = slices.sort((a, b) => b - a);
  return most <= 30 && second >= most / 3;
}

/** Shares of the slice normal along left-right, front-back and head-foot. */
function normalOf(orientation: readonly number[] | undefined): number[] | undefined {
  if (!orientation) return undefined;
  const [a, b, c, d, e, f] = orientation;
  return [b * f - c * e, c * d - a * f, a * e - b * d].map(Math.abs);
}

/** Whether few slices or large gaps make it unlikely to be taken for its own sake. */
function isCoarse({ slices, layout }: Stack): boolean {
  return slices.length < fewestSlices || !layout || layout.stepMm > largestStepMm;
}

function partialCoverage({ layout }: Stack, bodyPart = ''): string | undefined {
  const { size, affine, stepMm } = layout!;
  const extents = voxelSizeMm(affine).map((mm, axis) => Math.round(mm * size[axis]));
  const said = `${size[2]} slices over ${extents[2]} mm, field ${extents[0]} x ${extents[1]} mm`;
  if (/spine/i.test(bodyPart)) return 'of the spine';
  if (size[2] < fewestSlices || extents[2] < leastExtentMm) return `not a whole head: ${said}`;
  if (Math.min(extents[0], extents[1]) < leastFieldMm) return `not a whole head: ${said}`;
  return stepMm > largestStepMm ? `slices ${stepMm.toFixed(1)} mm apart` : undefined;
}

/** The plane in which a stack lies nearest. */
export function planeOf({ slices }: Stack): 'sagittal' | 'coronal' | 'axial' | undefined {
  const normal = normalOf(slices[0].frame.orientation);
  return normal && (['sagittal', 'coronal', 'axial'] as const)[normal.indexOf(Math.max(...normal))];
}
