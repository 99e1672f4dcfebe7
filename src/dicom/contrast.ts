import type { Instance, Protocol } from './instance.js';

/** What tissue contrast an image shows. */
export const contrasts = [
  'FLAIR',
  'T2',
  'T1',
  'PD',
  'DIR',
  'STIR',
  'T2*',
  'steady state',
  'echo-planar',
  'diffusion',
  'angiography',
  'phase',
  'unknown',
] as const;
export type Contrast = (typeof contrasts)[number];

export interface ContrastFinding {
  readonly contrast: Contrast;
  /** The physics or, where they do not tell, the name that it follows from. */
  readonly reason: string;
  /** Physics leave the contrast open: the name decided. */
  readonly byName?: boolean;
}

/** T1 of cerebrospinal fluid, nearly the same at all field strengths, in ms. */
const fluidT1Ms = 4300;

/**
 * The inversion time after which fluid gives no signal: T1 (ln 2 - ln(1 + exp(-TR / T1))), for an
 * inversion recovery that repeats every TR (Bydder and Young 1985, J. Comput. Assist. Tomogr. 9:659).
 */
export const fluidNullMs = (repetitionMs: number) =>
  fluidT1Ms * (Math.LN2 - Math.log1p(Math.exp(-repetitionMs / fluidT1Ms)));

/** Shares of {@link fluidNullMs} between which fluid is dark, and above which two inversions stand. */
const flairShares = { least: 0.7, most: 1.25 };

/** Names, in the order in which they are looked for. Words that scanners and people use. */
const names: readonly { readonly pattern: RegExp; readonly contrast: Contrast }[] = [
  { pattern: /\bdir\b|double[ _-]?inversion|_dir_/i, contrast: 'DIR' },
  { pattern: /stir\b|\btirm\b(?!.*(dark|flair))/i, contrast: 'STIR' },
  { pattern: /flair|dark[ _-]?fluid|da-?fl/i, contrast: 'FLAIR' },
  { pattern: /\b(dwi|dti|adc|ep2d_diff|trace)/i, contrast: 'diffusion' },
  { pattern: /\b(tof|mra|angio)/i, contrast: 'angiography' },
  { pattern: /\b(swi|swan|t2\*|t2_?star|fl2d_?hemo|venobold)/i, contrast: 'T2*' },
  { pattern: /mp-?rage|(^|[^a-z0-9])t1|bravo|spgr|tfl|vibe/i, contrast: 'T1' },
  { pattern: /(^|[^a-z0-9])t2/i, contrast: 'T2' },
  { pattern: /(^|[^a-z0-9])pd([^a-z0-9]|$)/i, contrast: 'PD' },
];

/** What the names given by people say; a name that says two things says the first of the list. */
export function contrastOfName({ description = '', name = '' }: Protocol): Contrast | undefined {
  const said = (text: string) => names.find(({ pattern }) => pattern.test(text))?.contrast;
  return said(description) ?? said(name);
}

/** Values of Acquisition Contrast (PS3.3, C.8.13.3.1); many scanners write UNKNOWN. */
const declarations: Readonly<Record<string, Contrast>> = {
  FLUID_ATTENUATED: 'FLAIR',
  T1: 'T1',
  T2: 'T2',
  T2_STAR: 'T2*',
  PROTON_DENSITY: 'PD',
  STIR: 'STIR',
  DIFFUSION: 'diffusion',
};

/**
 * As {@link contrastByPhysics}; where physics leave it open, what the scanner declares, then what
 * names say.
 */
export function contrastOf(instance: Instance, echoMs: number | undefined): ContrastFinding {
  const { contrast, reason, orElse } = contrastByPhysics(instance, echoMs);
  if (orElse === undefined) return { contrast, reason };
  const isOpen = (other: Contrast | undefined): other is Contrast =>
    other !== undefined && (orElse === 'any' || orElse.includes(other));
  const declared = declarations[instance.frames[0]?.declaredContrast ?? ''];
  if (isOpen(declared)) return { contrast: declared, reason: `${reason}; declared as ${declared}` };
  const named = contrastOfName(instance.protocol);
  return isOpen(named)
    ? { contrast: named, reason: `${reason}; its name says ${named}`, byName: true }
    : { contrast, reason };
}

interface Physics {
  readonly contrast: Contrast;
  readonly reason: string;
  /** What else it can be. */
  readonly orElse?: readonly Contrast[] | 'any';
}

/** The contrast that follows from how an image was acquired. @param echoMs echo time of the stack */
export function contrastByPhysics(instance: Instance, echoMs: number | undefined): Physics {
  const { protocol, frames } = instance;
  return special(protocol, frames[0]) ?? bySequence(protocol, echoMs);
}

function special(
  protocol: Protocol,
  frame: Instance['frames'][number] | undefined,
): Physics | undefined {
  const { sequences, variants, angiography } = protocol;
  const type = frame?.type ?? [];
  const component = frame?.component;
  if (component === 'PHASE' || component === 'REAL' || component === 'IMAGINARY') {
    return { contrast: 'phase', reason: `the ${component.toLowerCase()} part of the signal` };
  }
  if ((frame?.diffusionB ?? 0) > 0 || type.some((word) => /^(DIFFUSION|ADC|TRACEW?)$/.test(word))) {
    return { contrast: 'diffusion', reason: 'diffusion weighting' };
  }
  // GE sets the flag on FLAIR images too.
  if (
    (angiography && sequences.includes('GR')) ||
    variants.includes('TOF') ||
    type.includes('TOF')
  ) {
    return { contrast: 'angiography', reason: 'an angiographic sequence' };
  }
  if (sequences.includes('EP'))
    return { contrast: 'echo-planar', reason: 'an echo-planar sequence' };
  return undefined;
}

function bySequence(protocol: Protocol, echo: number | undefined): Physics {
  const { repetitionMs: repetition, inversionsMs: inversions } = protocol;
  if (repetition === undefined || echo === undefined) {
    return { contrast: 'unknown', reason: 'TR or TE is not known', orElse: 'any' };
  }
  const times = `TR ${Math.round(repetition)}, TE ${Number(echo.toFixed(1))}`;
  if (inversions.length > 1) {
    return {
      contrast: 'DIR',
      reason: `two inversions, ${inversions.map(Math.round).join(' and ')} ms`,
    };
  }
  if (isGradientEcho(protocol)) return gradientEcho(protocol, repetition, echo, times);
  if (inversions.length === 1) return inversionRecovery(repetition, echo, inversions[0], times);
  return spinEcho(protocol, repetition, echo, times);
}

/** GE's research mode has no name of its own: short echoes at short repetition are gradient echoes. */
function isGradientEcho({ sequences, repetitionMs, flipDegrees = 90 }: Protocol): boolean {
  if (sequences.includes('GR')) return true;
  return !sequences.includes('SE') && repetitionMs! < 100 && flipDegrees < 60;
}

function gradientEcho(
  protocol: Protocol,
  repetition: number,
  echo: number,
  times: string,
): Physics {
  const { variants, inversionsMs, flipDegrees } = protocol;
  const flip = flipDegrees === undefined ? '' : `, flip ${Math.round(flipDegrees)}°`;
  const reason = `gradient echo, ${times}${flip}`;
  if (echo === 0)
    return { contrast: 'unknown', reason: `${reason}: an echo time of 0`, orElse: 'any' };
  if (inversionsMs.length === 1 && echo < 12) {
    return { contrast: 'T1', reason: `${reason}, TI ${Math.round(inversionsMs[0])}` };
  }
  if (echo >= 12) return { contrast: 'T2*', reason };
  const balanced = variants.includes('SS') && !variants.includes('SP') && repetition < 30;
  if (balanced) return { contrast: 'steady state', reason };
  // Below some 12 degrees at long TR, spoiled gradient echoes show proton density.
  const ernstDegrees = (Math.acos(Math.exp(-repetition / 900)) * 180) / Math.PI;
  if (flipDegrees !== undefined && flipDegrees < 0.4 * ernstDegrees)
    return { contrast: 'PD', reason };
  return { contrast: 'T1', reason };
}

function inversionRecovery(
  repetition: number,
  echo: number,
  inversion: number,
  times: string,
): Physics {
  const reason = `inversion recovery, ${times}, TI ${Math.round(inversion)}`;
  const share = inversion / fluidNullMs(repetition);
  const darkFluid = share >= flairShares.least && repetition >= 3500;
  if (darkFluid && share > flairShares.most) {
    return { contrast: 'DIR', reason: `${reason}: too late for one inversion to darken fluid` };
  }
  if (darkFluid && echo >= 60) {
    return { contrast: 'FLAIR', reason: `${reason}: dark fluid`, orElse: ['DIR'] };
  }
  if (inversion <= 350 && repetition >= 1500)
    return { contrast: 'STIR', reason: `${reason}: dark fat` };
  if (inversion <= 1300 && repetition <= 4000 && echo < 60) return { contrast: 'T1', reason };
  return { contrast: 'unknown', reason, orElse: 'any' };
}

function spinEcho(protocol: Protocol, repetition: number, echo: number, times: string): Physics {
  const { sequences } = protocol;
  const reason = `${sequences.includes('SE') ? 'spin echo' : sequences.join(' ') || 'unnamed sequence'}, ${times}`;
  if (repetition < 1500) {
    if (echo <= 40) return { contrast: 'T1', reason };
    return { contrast: 'unknown', reason, orElse: ['T2', 'T1'] };
  }
  // An inversion that is not written down leaves its traces only in TR and in the name.
  const inverted = sequences.includes('IR') || !sequences.includes('SE');
  if (echo >= 60) {
    if (inverted && repetition >= 3500) {
      const contrast = sequences.includes('IR') ? 'FLAIR' : 'T2';
      return {
        contrast,
        reason: `${reason}, TI not known`,
        orElse: ['FLAIR', 'DIR', 'STIR', 'T2'],
      };
    }
    return { contrast: 'T2', reason };
  }
  return { contrast: echo < 50 ? 'PD' : 'T2', reason };
}
