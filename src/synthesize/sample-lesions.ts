import { applyToPoint, invert, type Mat4, mapAxes, multiply, type Vec3 } from '../volume/affine.js';
import type { Random } from '../volume/random.js';
import { sampleWarp } from './geometry.js';
import { type Head, stepsPerMm } from './head.js';
import type { LesionLibrary } from './lesion-library.js';
import {
  aboutLesionSpaceCentre,
  type LesionParameters,
  noLesions,
  type PersonPlacement,
  type ShapePlacement,
} from './lesions.js';
import {
  between,
  betweenLog,
  chance,
  oneByShare,
  oneOf,
  poisson,
  rotationDegrees,
} from './sampling.js';
import { carriesLesions, isOneOf, tissue } from './tissues.js';

/** Part of a head, for lesions of a patch. */
export interface Region {
  /** RAS mm of the head. */
  readonly centreMm: Vec3;
  readonly halfWidthMm: number;
}

/** Mean numbers of single lesions, drawn between these, in a whole head and in a region of it. */
const meanShapes = { head: [1, 30], region: [0.6, 10] } as const;

/** Share of exams without any lesion. */
const withoutLesions = 0.2;

/** How lesions of different places are drawn: how often, and how likely a voxel is then. */
const places: readonly { share: number; value: (site: Site) => number }[] = [
  // The places of real lesions, and a little of everywhere.
  { share: 0.5, value: ({ frequency }) => frequency ** 2 + 0.003 },
  // Periventricular
  {
    share: 0.15,
    value: ({ number, ventricleMm }) => (number === white && ventricleMm < 5 ? 1 : 0),
  },
  // Juxtacortical
  { share: 0.2, value: ({ number, atCortex }) => (number === white && atCortex() ? 1 : 0) },
  // Infratentorial
  { share: 0.15, value: ({ number }) => (isInfratentorial[number] !== 0 ? 1 : 0) },
];
const isInfratentorial = isOneOf('brainstem', 'cerebellar white matter');
const white = tissue['white matter'];

/** A voxel that may become the middle of a lesion. */
interface Site {
  readonly centreMm: Vec3;
  readonly number: number;
  readonly frequency: number;
  readonly ventricleMm: number;
  readonly atCortex: () => boolean;
}

/** Places tried for the lesions of one exam. */
const sitesTried = 6000;

/** Lesions for a head, or for a region of it: from none to a heavy, confluent load. */
export function sampleLesions(
  random: Random,
  head: Head,
  library: LesionLibrary,
  region?: Region,
): LesionParameters {
  if (chance(random, withoutLesions)) return noLesions;
  const kind = random.uniform();
  const persons = kind < 0.25 ? 0 : kind < 0.88 ? 1 : 2;
  const [fewest, most] = meanShapes[region ? 'region' : 'head'];
  const shapes =
    persons === 0 || chance(random, 0.6) ? poisson(random, betweenLog(random, fewest, most)) : 0;
  const confluent = persons > 0 && chance(random, 0.15);
  return {
    persons: Array.from({ length: persons }, () => samplePerson(random, library)),
    shapes: sampleShapes(random, shapes, head, library, region),
    gapFilledMm: chance(random, 0.8) ? between(random, 1.5, 3.2) : 0,
    bandMm: persons > 0 && chance(random, 0.25) ? between(random, 0.5, 3.5) : 0,
    bandField: { seed: random.bits(), spacingMm: 10 },
    intoGreyMatter: chance(random, 0.4),
    inDeepGreyMatter: chance(random, 0.3),
    blurMm: confluent ? between(random, 1, 2) : 0.7,
    threshold: confluent ? between(random, 0.15, 0.35) : between(random, 0.35, 0.6),
    // docs/decisions/0090: contrast at the borders that experts drew.
    borderMm: between(random, 0.1, 0.9),
    insetMm: between(random, 0, 0.5),
    halo: chance(random, 0.4) ? between(random, 0.2, 0.6) : 0,
  };
}

function samplePerson(random: Random, library: LesionLibrary): PersonPlacement {
  const side = chance(random, 0.5) ? -1 : 1;
  const [x, y, z] = [0, 1, 2].map(() => between(random, 0.85, 1.18));
  const stretch: Mat4 = [side * x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0, 0, 0, 0, 1];
  const shift = mapAxes([0, 1, 2], () => 2.5 * random.normal());
  return {
    person: random.integer(library.persons.length),
    toPerson: aboutLesionSpaceCentre(multiply(stretch, rotationDegrees(random, 6)), shift),
    warp: sampleWarp(random, 14, between(random, 0, 2)),
    kept: chance(random, 0.4) ? 1 : between(random, 0.05, 1),
    seed: random.bits(),
  };
}

function sampleShapes(
  random: Random,
  count: number,
  head: Head,
  library: LesionLibrary,
  region?: Region,
): ShapePlacement[] {
  if (count === 0 || library.shapes.length === 0) return [];
  const sites = Array.from({ length: sitesTried }, () =>
    sampleSite(random, head, library, region),
  ).filter((site): site is Site => site !== undefined);
  const cumulated = new Map<(site: Site) => number, Float64Array>();
  for (const { value: likelihood } of places) {
    let sum = 0;
    const sums = Float64Array.from(sites, (site) => {
      sum += likelihood(site);
      return sum;
    });
    cumulated.set(likelihood, sums);
  }
  const placements: ShapePlacement[] = [];
  for (let n = 0; n < count; n++) {
    const sums = cumulated.get(oneByShare(random, places));
    const total = sums?.at(-1) ?? 0;
    if (!sums || total === 0) continue;
    const target = random.uniform() * total;
    const { centreMm } = sites[sums.findIndex((sum) => sum > target)];
    placements.push({
      shape: random.integer(library.shapes.length),
      centreMm,
      toShape: sampleOrientation(random),
    });
  }
  return placements;
}

/** Any of the 48 ways to turn and mirror a box, and a size. */
function sampleOrientation(random: Random): Mat4 {
  const [a, b, c] = oneOf(random, [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]);
  const zoom = betweenLog(random, 0.65, 1.5);
  const matrix = new Array<number>(16).fill(0);
  matrix[15] = 1;
  [a, b, c].forEach((column, row) => {
    matrix[4 * row + column] = (chance(random, 0.5) ? -1 : 1) / zoom;
  });
  return matrix as unknown as Mat4;
}

/** A random voxel, if lesions can lie in its tissue. */
function sampleSite(
  random: Random,
  head: Head,
  { frequency }: LesionLibrary,
  region?: Region,
): Site | undefined {
  const { data, size, affine } = head.tissues;
  const voxel = region
    ? applyToPoint(
        invert(affine),
        mapAxes(
          region.centreMm,
          (mm) => mm + between(random, -region.halfWidthMm, region.halfWidthMm),
        ),
      ).map(Math.round)
    : size.map((n) => random.integer(n));
  const at = indexIn(size, voxel);
  if (at === undefined || carriesLesions[data[at]] === 0) return undefined;
  const centreMm = applyToPoint(affine, voxel as unknown as Vec3);
  const inLesionSpace = applyToPoint(
    invert(frequency.affine),
    applyToPoint(head.toLesionSpace, centreMm),
  ).map(Math.round);
  const place = indexIn(frequency.size, inLesionSpace);
  return {
    centreMm,
    number: data[at],
    frequency: place === undefined ? 0 : frequency.data[place] / 255,
    ventricleMm: head.ventricleDistance.data[at] / stepsPerMm,
    atCortex: () =>
      [1, size[0], size[0] * size[1]].some((stride) =>
        [-2, -1, 1, 2].some((n) => data[at + n * stride] === tissue.cortex),
      ),
  };
}

function indexIn(
  [nx, ny, nz]: readonly number[],
  [i, j, k]: readonly number[],
): number | undefined {
  const inside = i >= 0 && j >= 0 && k >= 0 && i < nx && j < ny && k < nz;
  return inside ? i + nx * (j + ny * k) : undefined;
}
