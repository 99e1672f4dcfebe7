import { type Instance, sourceName } from './instance.js';
import type { Refusal } from './refusal.js';
import { isRefusal, type Layout, layOut, overlap, type Slice } from './slices.js';

/**
 * Slices of one series that are one image: of the same size, orientation, echo, image type,
 * diffusion weighting and moment.
 */
export interface Stack {
  /** Within its series, counted from 1. */
  readonly number: number;
  /** In the order of positions where there is a layout. */
  readonly slices: readonly Slice[];
  readonly layout?: Layout;
  /** Why it is no volume. */
  readonly refusal?: Refusal;
}

/** Directions that differ by less are those of one stack. */
const sameDirection = 1e-3;

/** The stacks in the image objects of one series, the largest first. */
export function stacksOf(instances: readonly Instance[]): Stack[] {
  const slices = instances.flatMap((instance) =>
    instance.pixels
      ? (instance.frames.length > 0 ? instance.frames : [noFrame]).map((frame) => ({
          instance,
          frame,
        }))
      : [],
  );
  return groupsBy(slices, imageKey)
    .flatMap(byOrientation)
    .flatMap(byRepetition)
    .sort((a, b) => b.length - a.length)
    .map((group, index) => stackOf(group, index + 1));
}

/** For an object that names an impossible number of frames: it is damaged, and has to show. */
const noFrame = { number: 1, slope: 1, intercept: 0, type: [] } as const;

/** Values with the same key together, in the order in which the keys come. */
export function groupsBy<T>(values: readonly T[], key: (value: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(key(value));
    if (group) group.push(value);
    else groups.set(key(value), [value]);
  }
  return [...groups.values()];
}

function imageKey({ instance, frame }: Slice): string {
  const { rows, columns } = instance.pixels!;
  const round = (value: number | undefined, decimals: number) => value?.toFixed(decimals) ?? '';
  return JSON.stringify([
    rows,
    columns,
    frame.spacing?.map((mm) => round(mm, 3)),
    round(frame.echoMs, 1),
    frame.type,
    frame.component,
    frame.temporalPosition,
    round(frame.diffusionB, 0),
  ]);
}

function byOrientation(slices: readonly Slice[]): Slice[][] {
  const groups: { orientation: readonly number[]; slices: Slice[] }[] = [];
  for (const slice of slices) {
    const orientation = slice.frame.orientation ?? [];
    const group = groups.find(
      (other) =>
        other.orientation.length === orientation.length &&
        orientation.every((value, at) => Math.abs(value - other.orientation[at]) < sameDirection),
    );
    if (group) group.slices.push(slice);
    else groups.push({ orientation, slices: [slice] });
  }
  return groups.map((group) => group.slices);
}

/**
 * Slices that were taken twice are two stacks where acquisitions tell them apart. Else they stay one,
 * which is then refused for its double positions.
 */
function byRepetition(slices: readonly Slice[]): Slice[][] {
  if (!overlap(slices)) return [[...slices]];
  const groups = groupsBy(slices, ({ instance }) => `${instance.acquisitionNumber}`);
  const split = groups.length > 1 && groups.every((group) => !isRefusal(layOut(group)));
  return split ? groups : [[...slices]];
}

function stackOf(slices: readonly Slice[], number: number): Stack {
  const unusable = slices.find(({ instance }) => instance.damage)?.instance.damage;
  const refusal = mosaic(slices) ?? unusable ?? mixture(slices);
  if (refusal) return { number, slices, refusal };
  const layout = layOut(slices);
  return isRefusal(layout)
    ? { number, slices, refusal: layout }
    : { number, slices: layout.slices, layout };
}

function mosaic(slices: readonly Slice[]): Refusal | undefined {
  const tiled = slices.find(({ frame }) => frame.type.includes('MOSAIC'));
  return (
    tiled && {
      code: 'unsupported-image',
      file: sourceName(tiled.instance.source),
      expected: 'one slice an image',
      found: 'a mosaic of them, as in functional and diffusion imaging',
    }
  );
}

/** What one image cannot have two of. */
function mixture(slices: readonly Slice[]): Refusal | undefined {
  const first = slices[0].instance;
  const differs = (what: string, of: (instance: Instance) => unknown): Refusal | undefined => {
    const other = slices.find(({ instance }) => of(instance) !== of(first));
    return (
      other && {
        code: 'bad-geometry',
        file: sourceName(other.instance.source),
        expected: `one ${what} in a series`,
        found: 'two',
      }
    );
  };
  return (
    differs('frame of reference', ({ frameOfReference }) => frameOfReference) ??
    differs('form of pixels', ({ pixels }) =>
      [pixels!.bitsAllocated, pixels!.bitsStored, pixels!.signed, pixels!.inverted].join(),
    )
  );
}
