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
  /**
   * Larger slice distance of the exams, mm. Groups that are smaller than a ball of this diameter in
   * both exams are parts of the nearest one across a gap up to this.
   */
  readonly sliceMm: number;
  /** As small as that are groups below this, too. */
  readonly smallestMm3: number;
}

/**
 * The lesions of two exams in one space, grouped: the connected parts of the graph whose edges are
 * overlaps. One lesion may meet several (it split, or several merged), so that a group may have
 * several on both sides. Lesions that overlap with none are then joined with others of that kind
 * nearby: thick slices that lie between each other's show one small lesion at two places. Groups that
 * are small in both exams become part of the group that most of their voxels are near to: thick
 * slices cut a lesion into pieces that cannot be measured one by one.
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
  { leastOverlap, toleranceMm, ...small }: GroupRule,
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
  const edges = [...overlaps, ...near].map(({ a, b }): Edge => [a, firstCount + b]);
  const groups = connected(edges, firstCount, secondCount);
  const joints = jointsOfSmall(groups, first, second, firstCount, small);
  return joints.length === 0 ? groups : connected([...edges, ...joints], firstCount, secondCount);
}

/** Two lesions as nodes: ids of the first exam, then those of the second. */
type Edge = readonly [number, number];

/** For each small group an edge to the group that most of its voxels are near to. */
function jointsOfSmall(
  groups: readonly LesionGroup[],
  first: Volume<Int32Array>,
  second: Volume<Int32Array>,
  firstCount: number,
  { sliceMm, smallestMm3 }: Pick<GroupRule, 'sliceMm' | 'smallestMm3'>,
): Edge[] {
  const groupOf = new Map<number, number>();
  groups.forEach(({ firstIds, secondIds }, group) => {
    for (const id of firstIds) groupOf.set(id, group);
    for (const id of secondIds) groupOf.set(firstCount + id, group);
  });
  const nodesAt = (voxel: number) => [
    first.data[voxel] ? first.data[voxel] : 0,
    second.data[voxel] ? firstCount + second.data[voxel] : 0,
  ];
  const sizes = groups.map(() => [0, 0]);
  for (let voxel = 0; voxel < first.data.length; voxel++) {
    nodesAt(voxel).forEach((node, exam) => {
      if (node !== 0) sizes[groupOf.get(node)!][exam]++;
    });
  }
  const voxelMm = Math.abs(first.affine[0]);
  const limitMm3 = Math.max(smallestMm3, (Math.PI / 6) * sliceMm ** 3);
  const isSmall = sizes.map((of) => Math.max(...of) * voxelMm ** 3 < limitMm3);
  // Voxels beside each other have no gap.
  const offsets = offsetsWithin(first, sliceMm + voxelMm);
  const contacts = groups.map(() => new Map<number, number>());
  for (let voxel = 0; voxel < first.data.length; voxel++) {
    for (const node of nodesAt(voxel)) {
      const group = node === 0 ? undefined : groupOf.get(node)!;
      if (group === undefined || !isSmall[group]) continue;
      for (const offset of offsets) {
        for (const other of nodesAt(voxel + offset)) {
          if (other === 0 || groupOf.get(other) === group) continue;
          contacts[group].set(other, (contacts[group].get(other) ?? 0) + 1);
        }
      }
    }
  }
  return contacts.flatMap((of, group): Edge[] => {
    const [nearest] = [...of].sort((a, b) => b[1] - a[1]);
    if (!nearest) return [];
    const { firstIds, secondIds } = groups[group];
    return [[firstIds[0] ?? firstCount + secondIds[0], nearest[0]]];
  });
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

function connected(edges: readonly Edge[], firstCount: number, secondCount: number) {
  const groupOf = Array.from({ length: firstCount + secondCount + 1 }, (_, node) => node);
  const rootOf = (node: number): number => {
    let root = node;
    while (groupOf[root] !== root) root = groupOf[root];
    return root;
  };
  for (const [a, b] of edges) {
    const [low, high] = [rootOf(a), rootOf(b)].sort((x, y) => x - y);
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
