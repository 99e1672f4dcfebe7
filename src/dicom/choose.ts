import { type SequenceName, sequenceLabels, sequenceNames } from '../preprocess/exam.js';
import { voxelSizeMm } from '../volume/affine.js';
import { type ContrastFinding, contrastOf } from './contrast.js';
import { ruleFor, type SiteRule } from './site-rules.js';
import { type KindFinding, kindOf, type StackKind } from './stack-kind.js';
import type { Stack } from './stacks.js';
import type { Series, Study } from './study.js';

/** What became of one stack of a study, and why. */
export interface Choice {
  readonly series: Series;
  readonly stack: Stack;
  readonly kind: StackKind;
  readonly contrast: ContrastFinding['contrast'];
  /** As what it is used; absent where it is not. */
  readonly role?: SequenceName;
  readonly reason: string;
  /** What decided about its contrast. */
  readonly basis: 'byRule' | 'byPhysics' | 'byName';
  readonly afterContrastAgent: boolean;
}

interface Candidate {
  readonly series: Series;
  readonly stack: Stack;
  readonly kind: KindFinding;
  readonly contrast: ContrastFinding;
  readonly rule?: { readonly use: SiteRule['use']; readonly number: number };
  /** For which role it may be taken. */
  readonly role?: SequenceName;
}

const roleOfContrast: Readonly<Record<string, SequenceName>> = {
  FLAIR: 'flair',
  T2: 't2',
  T1: 't1',
};

/**
 * Which stacks of a study are its FLAIR, T2 and T1: rules of the site first, then physics, names
 * last. Of several the best by {@link criteria}. Every stack has its reason.
 */
export function chooseSeries(study: Study, rules: readonly SiteRule[] = []): Choice[] {
  const candidates = study.series.flatMap((series) =>
    series.stacks.map((stack) => candidateOf(series, stack, rules)),
  );
  const chosen = new Map(sequenceNames.map((role) => [role, bestOf(candidates, role)]));
  return candidates.map((candidate) => {
    const { series, stack, kind, contrast, role } = candidate;
    const best = role && chosen.get(role);
    return {
      series,
      stack,
      kind: kind.kind,
      contrast: contrast.contrast,
      ...(best === candidate && { role }),
      reason: reasonOf(candidate, best),
      basis: candidate.rule ? 'byRule' : contrast.byName ? 'byName' : 'byPhysics',
      afterContrastAgent: isEnhanced(candidate),
    };
  });
}

function candidateOf(series: Series, stack: Stack, rules: readonly SiteRule[]): Candidate {
  const { instance, frame } = stack.slices[0];
  const kind = kindOf(stack, series);
  const contrast = severalGradientEchoes(series, stack) ?? contrastOf(instance, frame.echoMs);
  const rule = ruleFor(rules, series, stack);
  const usable = kind.kind === 'volume' || kind.kind === 'reformatted';
  const pinned = rule && rule.use !== 'none' && stack.layout ? rule.use : undefined;
  const role = pinned ?? (usable && !rule ? roleOfContrast[contrast.contrast] : undefined);
  return { series, stack, kind, contrast, ...(rule && { rule }), ...(role && { role }) };
}

/** Gradient echoes at several times in one series measure fields or decay. */
function severalGradientEchoes({ stacks }: Series, stack: Stack): ContrastFinding | undefined {
  if (!stack.slices[0].instance.protocol.sequences.includes('GR')) return undefined;
  const echoes = new Set(stacks.map(({ slices }) => slices[0].frame.echoMs));
  return echoes.size > 1
    ? {
        contrast: 'T2*',
        reason: `gradient echoes at ${echoes.size} times: a field map or a measurement of decay`,
      }
    : undefined;
}

/** By what one candidate is better than another, the first difference decides; larger is better. */
const criteria: readonly {
  readonly says: string;
  readonly score: (candidate: Candidate, role: SequenceName) => number | string;
}[] = [
  {
    says: 'named by a rule of the site',
    score: ({ rule }) => (rule ? -rule.number : Number.NEGATIVE_INFINITY),
  },
  { says: 'original, not reformatted', score: ({ kind }) => (kind.kind === 'volume' ? 1 : 0) },
  {
    says: 'before contrast agent',
    score: (candidate, role) => (role === 't1' && isEnhanced(candidate) ? 0 : 1),
  },
  {
    says: 'told by its physics, not by its name',
    score: ({ contrast }) => (contrast.byName ? 0 : 1),
  },
  { says: '3D', score: (candidate) => (isThreeDimensional(candidate) ? 1 : 0) },
  { says: 'before contrast agent', score: (candidate) => (isEnhanced(candidate) ? 0 : 1) },
  { says: 'thinner slices', score: ({ stack }) => -inSteps(stack.layout!.stepMm) },
  {
    says: 'more of the head',
    score: ({ stack }) => inSteps(stack.layout!.stepMm * stack.layout!.size[2]),
  },
  { says: 'finer pixels', score: ({ stack }) => -inSteps(voxelSizeMm(stack.layout!.affine)[0]) },
  { says: 'corrected by the scanner', score: ({ stack }) => corrections(stack) },
  { says: 'the later one', score: ({ stack }) => stack.slices[0].instance.seriesTime ?? '' },
  { says: 'the later one', score: ({ series }) => series.number ?? 0 },
  { says: 'the later one', score: ({ stack }) => stack.slices[0].instance.acquisitionNumber ?? 0 },
  { says: 'the first by its identifier', score: ({ series }) => series.uid },
];

/** Lengths that differ by less than a tenth are the same. */
const inSteps = (mm: number) => Math.round(Math.log(mm) / Math.log(1.1));

const corrections = ({ slices }: Stack) =>
  slices[0].frame.type.filter((word) => ['NORM', 'DIS2D', 'DIS3D'].includes(word)).length;

function isThreeDimensional({ stack }: Candidate): boolean {
  const { dimensions } = stack.slices[0].instance.protocol;
  return dimensions === undefined ? stack.layout!.stepMm <= 2 : dimensions === '3D';
}

const enhancedName =
  /\+ ?(c|gd|km|k)(?![a-z])|(^|[^a-z])(gd|gad|gado\w*|gadovist|dotarem|km|mdc|ce|post|postcontrast|post-?gd|contrast|enhanced|c\+)([^a-z]|$)/i;
const nativeName = /(^|[^a-z])(pre|native?|nativ|without|ohne|sans|no|non)([^a-z]|$)/i;

/** By the attributes for contrast agents, or by the name, since many sites leave those empty. */
function isEnhanced({ stack, series }: Candidate): boolean {
  const { contrastAgent, name = '' } = stack.slices[0].instance.protocol;
  if (contrastAgent) return true;
  const text = series.description ?? name;
  return enhancedName.test(text) && !nativeName.test(text);
}

function bestOf(candidates: readonly Candidate[], role: SequenceName): Candidate | undefined {
  return candidates
    .filter((candidate) => candidate.role === role)
    .reduce<Candidate | undefined>(
      (best, next) => (best === undefined || compare(next, best, role).sign > 0 ? next : best),
      undefined,
    );
}

function compare(a: Candidate, b: Candidate, role: SequenceName): { sign: number; says: string } {
  for (const { says, score } of criteria) {
    const [first, second] = [score(a, role), score(b, role)];
    if (first !== second) return { sign: first > second ? 1 : -1, says };
  }
  return { sign: 0, says: 'the first' };
}

function reasonOf(candidate: Candidate, best: Candidate | undefined): string {
  const { kind, contrast, rule, role } = candidate;
  if (rule?.use === 'none') return `left out by rule ${rule.number} of the site`;
  if (role === undefined || best === undefined) {
    if (kind.kind === 'volume' || kind.kind === 'reformatted') return contrast.reason;
    return kind.kind === 'partial' ? `${contrast.reason}; ${kind.reason}` : kind.reason;
  }
  const why = rule ? `by rule ${rule.number} of the site` : contrast.reason;
  const enhanced = isEnhanced(candidate) ? ', after contrast agent' : '';
  const made = kind.kind === 'reformatted' ? `, ${kind.reason}` : '';
  if (best === candidate) return `${why}${enhanced}${made}`;
  const { says } = compare(best, candidate, role);
  const other = `series ${best.series.number ?? best.series.uid}`;
  return `${why}${enhanced}${made}; ${other} is the ${sequenceLabels[role]}: ${says}`;
}
