import type { Vec3 } from '../volume/affine.js';
import type { Attributes } from './attributes.js';
import type { Frame } from './instance.js';
import { mostFrames } from './limits.js';

const sharedGroups = 'x52009229';
const perFrameGroups = 'x52009230';

/** Complex components as classic images name them behind the second value of Image Type: M, P_FFE, SW_M. */
const componentOfLetter: Readonly<Record<string, string>> = {
  M: 'MAGNITUDE',
  P: 'PHASE',
  R: 'REAL',
  I: 'IMAGINARY',
};

/** The image planes of an object: of a classic one, of an enhanced one, or of a multi-frame one without groups. */
export function readFrames(attributes: Attributes): Frame[] {
  const perFrame = attributes.items(perFrameGroups);
  const shared = attributes.item(sharedGroups);
  const count = attributes.decimal('x00280008') ?? 1;
  if (!(Number.isInteger(count) && count >= 1 && count <= mostFrames)) return [];
  return Array.from({ length: count }, (_, index) =>
    frameOf(new FrameAttributes(attributes, shared, perFrame[index]), index + 1),
  );
}

/** The attributes of one frame: its own groups before the shared ones before those of the object. */
class FrameAttributes {
  readonly object: Attributes;
  readonly #groups: readonly Attributes[];

  constructor(object: Attributes, shared?: Attributes, own?: Attributes) {
    this.object = object;
    this.#groups = [own, shared].filter((groups) => groups !== undefined);
  }

  get hasGroups(): boolean {
    return this.#groups.length > 0;
  }

  /** What `read` finds first: in the group `sequence` of the frame, of all frames, else in the object. */
  find<T>(sequence: string, read: (from: Attributes) => T | undefined): T | undefined {
    for (const groups of this.#groups) {
      const group = groups.item(sequence);
      const value = group && read(group);
      if (value !== undefined) return value;
    }
    return read(this.object);
  }
}

function frameOf(frame: FrameAttributes, number: number): Frame {
  const type = typeOf(frame);
  const [slope, intercept] = ['x00281053', 'x00281052'].map((tag) =>
    frame.find('x00289145', (from) => from.decimal(tag)),
  );
  return {
    number,
    ...placeOf(frame),
    thickness: frame.find('x00289110', (from) => from.decimal('x00180050')),
    echoMs: frame.find(
      'x00189114',
      (from) => from.double('x00189082') ?? from.decimal('x00180081'),
    ),
    slope: slope ?? 1,
    intercept: intercept ?? 0,
    type,
    component: componentOf(frame, type),
    declaredContrast: frame.find('x00189226', (from) => from.text('x00089209')),
    temporalPosition: frame.find(
      'x00209111',
      (from) => from.unsignedLong('x00209128') ?? from.decimal('x00200100'),
    ),
    diffusionB: frame.find('x00189117', (from) => from.double('x00189087')),
  };
}

function placeOf(frame: FrameAttributes): Pick<Frame, 'position' | 'orientation' | 'spacing'> {
  const position = frame.find('x00209113', (from) => from.decimals('x00200032'));
  const orientation = frame.find('x00209116', (from) => from.decimals('x00200037'));
  const spacing = frame.find('x00289110', (from) => from.decimals('x00280030'));
  return {
    ...(position?.length === 3 && { position: position as unknown as Vec3 }),
    ...(orientation?.length === 6 && { orientation }),
    ...(spacing?.length === 2 && { spacing }),
  };
}

function typeOf(frame: FrameAttributes): string[] {
  const ofFrame = frame.find('x00189226', (from) => {
    const type = from.texts('x00089007');
    return type.length > 0 ? type : undefined;
  });
  return (ofFrame ?? frame.object.texts('x00080008')).map((value) => value.toUpperCase());
}

function componentOf(frame: FrameAttributes, type: readonly string[]): string | undefined {
  const named = frame.find('x00189226', (from) => from.text('x00089208'));
  if (named !== undefined) return named;
  const words = frame.hasGroups ? [] : type.slice(2);
  return words
    .map((word) => componentOfLetter[/(?:^|_)([MPRI])(?:_|$)/.exec(word)?.[1] ?? ''])
    .find((name) => name !== undefined);
}
