import { countNonZero, type Mask, maskWhere, onGrid, type Volume } from './volume.js';

/** Which voxels touch: those that share a face (6), an edge too (18), or a corner too (26). */
export type Connectivity = 6 | 18 | 26;

export interface Components {
  /** 0 background, 1..count the components. */
  readonly labels: Volume<Int32Array>;
  readonly count: number;
  /** Number of voxels by label; index 0 is the background. */
  readonly sizesVoxels: Int32Array;
}

/** Steps to those neighbours that come before a voxel in memory. */
function earlierNeighbours(connectivity: Connectivity): readonly (readonly number[])[] {
  const axesMoved = { 6: 1, 18: 2, 26: 3 }[connectivity];
  if (axesMoved === undefined)
    throw new RangeError(`connectivity ${connectivity}: not 6, 18 or 26`);
  const steps: number[][] = [];
  for (let dz = -1; dz <= 0; dz++) {
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const earlier = dz < 0 || dy < 0 || (dy === 0 && dx < 0);
        const moved = Math.abs(dx) + Math.abs(dy) + Math.abs(dz);
        if (earlier && !(dz === 0 && dy > 0) && moved <= axesMoved) steps.push([dx, dy, dz]);
      }
    }
  }
  return steps;
}

/** The representative of a set; halves the path to it on the way. */
function rootOf(parent: Int32Array, label: number): number {
  while (parent[label] !== label) {
    parent[label] = parent[parent[label]];
    label = parent[label];
  }
  return label;
}

/**
 * Provisional labels, written into `labels`, and their sets: each set's root is its smallest label.
 */
function labelProvisionally(
  mask: Mask,
  connectivity: Connectivity,
  labels: Int32Array,
): Int32Array {
  const { data, size } = mask;
  const [nx, ny, nz] = size;
  const steps = earlierNeighbours(connectivity);
  const dx = Int32Array.from(steps, (step) => step[0]);
  const dy = Int32Array.from(steps, (step) => step[1]);
  const dz = Int32Array.from(steps, (step) => step[2]);
  const offset = Int32Array.from(steps, (step) => step[0] + nx * (step[1] + ny * step[2]));
  const parent = new Int32Array(countNonZero(data) + 1);
  let used = 0;
  let at = 0;
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        if (data[at] === 0) continue;
        let label = 0;
        for (let step = 0; step < offset.length; step++) {
          const x = i + dx[step];
          const y = j + dy[step];
          if (x < 0 || x >= nx || y < 0 || y >= ny || k + dz[step] < 0) continue;
          const neighbour = labels[at + offset[step]];
          if (neighbour === 0 || neighbour === label) continue;
          const root = rootOf(parent, neighbour);
          if (label === 0 || root === label) {
            label = root;
          } else {
            const smaller = Math.min(root, label);
            parent[Math.max(root, label)] = smaller;
            label = smaller;
          }
        }
        if (label === 0) {
          label = ++used;
          parent[label] = label;
        }
        labels[at] = label;
      }
    }
  }
  return parent.subarray(0, used + 1);
}

/**
 * The connected components of the non-zero voxels, numbered from 1 in the order in which their
 * first voxels lie in memory (x fastest). Takes time linear in the number of voxels: one pass that
 * joins provisional labels (union-find), one that renumbers. An empty mask has 0 components.
 * @throws RangeError when the connectivity is not 6, 18 or 26.
 */
export function connectedComponents(mask: Mask, connectivity: Connectivity): Components {
  const labels = new Int32Array(mask.data.length);
  const parent = labelProvisionally(mask, connectivity, labels);
  // Roots are the smallest labels of their sets, so that their order is that of the first voxels.
  const final = new Int32Array(parent.length);
  let count = 0;
  for (let label = 1; label < parent.length; label++) {
    final[label] = parent[label] === label ? ++count : final[rootOf(parent, label)];
  }
  const sizesVoxels = new Int32Array(count + 1);
  for (let at = 0; at < labels.length; at++) {
    labels[at] = final[labels[at]];
    sizesVoxels[labels[at]]++;
  }
  return { labels: onGrid(mask, labels), count, sizesVoxels };
}

/**
 * The component with most voxels, as 0 and 1; of equal ones, the one that comes first in memory.
 * Of an empty mask, an empty mask.
 */
export function largestComponent(mask: Mask, connectivity: Connectivity): Mask {
  const { labels, count, sizesVoxels } = connectedComponents(mask, connectivity);
  let largest = 1;
  for (let label = 2; label <= count; label++) {
    if (sizesVoxels[label] > sizesVoxels[largest]) largest = label;
  }
  return maskWhere(labels, (label) => label === largest);
}
