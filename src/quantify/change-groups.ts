import { strides, type Volume } from '../volume/volume.js';

/** Lesions of two exams that belong together; one side is empty where a lesion has no partner. */
export interface LesionGroup {
  readonly firstIds: readonly number[];
  readonly secondIds: readonly number[];
}

/** How lesions of two exams find each other. */
export interface GroupRule {
  /** Two lesions belong together where this share of the smaller one overlaps. */
  readonly leastOverlap: number;
  /** Lesions that overlap with none belong together across gaps up to this, mm. */
  readonly toleranceMm: number;
}

/**
 * The lesions of two exams in one space, grouped: the connected parts of the graph whose edges are
 * overlaps. One lesion may meet several (it split, or several merged), so that a group may have
 * several on both sides. Lesions that overlap with none are then joined with others of that kind
 * nearby: thick slices that lie between each other's show one small lesion at two places.
 *
 * @param first ids of the first exam's lesions, 0 elsewhere; `second` likewise, on the same grid of
 *   cubic voxels
 * @param firstCount lesions have the ids 1 to this; one without a voxel is alone in its group
 * @returns groups in the order of their smallest ids, those with first ids before those without
 */
export function lesionGroups(
  first: Volume<Int32Array>,
  second: Volume<Int32Array>,
  firstCount: number,
  secondCount: number,
  { leastOverlap, toleranceMm }: GroupRule,
): LesionGroup[] {
  const firstSizes = sizesOf(first, firstCount);
  const secondSizes = sizesOf(second, secondCount);
  const overlaps = sharedVoxels(first, second, [0], secondCount).filter(
    ({ a, b, voxels }) => voxels >= leastOverlap * Math.min(firstSizes[a], secondSizes[b]),
  );
  const matched = new Set(overlaps.flatMap(({ a, b }) => [`a${a}`, `b${b}`]));
  const near = sharedVoxels(first, second, offsetsWithin(first, toleranceMm), secondCount).filter(
    ({ a, b }) => !matched.has(`a${a}`) && !matched.has(`b${b}`),
  );
  return connected([...overlaps, ...near], firstCount, secondCount);
}

interface Shared {
  readonly a: number;
  readonly b: number;
  readonly voxels: number;
}

function sizesOf({ data }: Volume<Int32Array>, count: number): Int32Array {
  const sizes = new Int32Array(count + 1);
  for (const label of data) sizes[label]++;
  return sizes;
}

/** For each pair of lesions, how often a voxel of the first meets the second at one of the offsets. */
function sharedVoxels(
  first: Volume<Int32Array>,
  second: Volume<Int32Array>,
  offsets: readonly number[],
  secondCount: number,
): Shared[] {
  const counts = new Map<number, number>();
  for (let voxel = 0; voxel < first.data.length; voxel++) {
    const a = first.data[voxel];
    if (a === 0) continue;
    for (const offset of offsets) {
      const b = second.data[voxel + offset] ?? 0;
      if (b === 0) continue;
      const key = a * (secondCount + 1) + b;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts].map(([key, voxels]) => ({
    a: Math.floor(key / (secondCount + 1)),
    b: key % (secondCount + 1),
    voxels,
  }));
}

/** Steps in memory to all voxels within a distance. Lesions do not lie at the grid's border. */
function offsetsWithin({ size, affine }: Volume, distanceMm: number): number[] {
  const reach = distanceMm / Math.abs(affine[0]);
  const whole = Math.floor(reach);
  const [, nx, nxy] = strides(size);
  const offsets: number[] = [];
  for (let k = -whole; k <= whole; k++) {
    for (let j = -whole; j <= whole; j++) {
      for (let i = -whole; i <= whole; i++) {
        if (Math.hypot(i, j, k) <= reach) offsets.push(i + nx * j + nxy * k);
      }
    }
  }
  return offsets;
}

function connected(edges: readonly Shared[], firstCount: number, secondCount: number) {
  const groupOf = Array.from({ length: firstCount + secondCount + 1 }, (_, node) => node);
  const rootOf = (node: number): number => {
    let root = node;
    while (groupOf[root] !== root) root = groupOf[root];
    return root;
  };
  for (const { a, b } of edges) {
    const [low, high] = [rootOf(a), rootOf(firstCount + b)].sort((x, y) => x - y);
    groupOf[high] = low;
  }
  const groups = new Map<number, { firstIds: number[]; secondIds: number[] }>();
  for (let node = 1; node <= firstCount + secondCount; node++) {
    const root = rootOf(node);
    const group = groups.get(root) ?? { firstIds: [], secondIds: [] };
    groups.set(root, group);
    if (node <= firstCount) group.firstIds.push(node);
    else group.secondIds.push(node - firstCount);
  }
  return [...groups.values()];
}
