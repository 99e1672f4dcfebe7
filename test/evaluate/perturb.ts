// Seeded pairs of masks, made the same way here and in ../goldens/evaluate/perturb.py, which says how.
import { connectedComponents } from '../../src/volume/components.js';
import { type Mask, onGrid, type Size, voxelCount } from '../../src/volume/volume.js';

/** The generator of perturb.py; numbers below n. */
export function lcg(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(((state >>> 8) * n) / 2 ** 24);
  };
}

type Below = ReturnType<typeof lcg>;

export function maskOfSize(size: Size, data = new Uint8Array(voxelCount(size))): Mask {
  return { data, size, affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] };
}

/** Calls back for every voxel with its index and coordinates. */
function eachVoxel(
  [nx, ny, nz]: Size,
  visit: (at: number, i: number, j: number, k: number) => void,
) {
  let at = 0;
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) for (let i = 0; i < nx; i++) visit(at++, i, j, k);
  }
}

export function crop(mask: Mask, margin = 8): Mask {
  const first = [...mask.size];
  const last = [-1, -1, -1];
  eachVoxel(mask.size, (at, i, j, k) => {
    if (mask.data[at] === 0) return;
    const index = [i, j, k];
    for (let axis = 0; axis < 3; axis++) {
      if (index[axis] < first[axis]) first[axis] = index[axis];
      if (index[axis] > last[axis]) last[axis] = index[axis];
    }
  });
  const from = first.map((index) => Math.max(0, index - margin));
  const size = last.map(
    (index, axis) => Math.min(mask.size[axis], index + 1 + margin) - from[axis],
  ) as unknown as Size;
  const [nx, ny] = mask.size;
  const cut = maskOfSize(size);
  eachVoxel(size, (at, i, j, k) => {
    cut.data[at] = mask.data[i + from[0] + nx * (j + from[1] + ny * (k + from[2]))];
  });
  return cut;
}

export function thick(mask: Mask): Mask {
  const [nx, ny, nz] = mask.size;
  const slices: number[] = [];
  for (let k = 1; k < nz; k += 3) slices.push(k);
  const kept = maskOfSize([nx, ny, slices.length]);
  for (const [to, from] of slices.entries()) {
    kept.data.set(mask.data.subarray(from * nx * ny, (from + 1) * nx * ny), to * nx * ny);
  }
  return kept;
}

function addBalls(mask: Mask, below: Below, count: number) {
  const [nx, ny, nz] = mask.size;
  for (let ball = 0; ball < count; ball++) {
    const [x, y, z, radius] = [below(nx), below(ny), below(nz), 1 + below(3)];
    for (let k = Math.max(0, z - radius); k <= Math.min(nz - 1, z + radius); k++) {
      for (let j = Math.max(0, y - radius); j <= Math.min(ny - 1, y + radius); j++) {
        for (let i = Math.max(0, x - radius); i <= Math.min(nx - 1, x + radius); i++) {
          const squared = (i - x) ** 2 + (j - y) ** 2 + (k - z) ** 2;
          if (squared <= radius ** 2) mask.data[i + nx * (j + ny * k)] = 1;
        }
      }
    }
  }
}

function addRuns(mask: Mask, below: Below, count: number) {
  const [nx, ny, nz] = mask.size;
  for (let run = 0; run < count; run++) {
    const [x, y, z, length] = [below(nx), below(ny), below(nz), 1 + below(5)];
    for (let i = x; i < Math.min(nx, x + length); i++) mask.data[i + nx * (y + ny * z)] = 1;
  }
}

function shift(mask: Mask, below: Below): Mask {
  const [nx, ny, nz] = mask.size;
  const [dx, dy, dz] = [below(5) - 2, below(5) - 2, below(5) - 2];
  const moved = new Uint8Array(mask.data.length);
  eachVoxel(mask.size, (at, i, j, k) => {
    if (mask.data[at] === 0) return;
    const [x, y, z] = [i + dx, j + dy, k + dz];
    if (x < 0 || x >= nx || y < 0 || y >= ny || z < 0 || z >= nz) return;
    moved[x + nx * (y + ny * z)] = 1;
  });
  return onGrid(mask, moved);
}

/** Six neighbours and the voxel itself; what lies beyond the array is background. */
function overNeighbours(mask: Mask, every: boolean): Mask {
  const [nx, ny, nz] = mask.size;
  const { data } = mask;
  const least = every ? 7 : 1;
  const result = new Uint8Array(data.length);
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        let around = data[at];
        if (i > 0) around += data[at - 1];
        if (i < nx - 1) around += data[at + 1];
        if (j > 0) around += data[at - nx];
        if (j < ny - 1) around += data[at + nx];
        if (k > 0) around += data[at - nx * ny];
        if (k < nz - 1) around += data[at + nx * ny];
        if (around >= least) result[at] = 1;
      }
    }
  }
  return onGrid(mask, result);
}

const erode = (mask: Mask) => overNeighbours(mask, true);
const dilate = (mask: Mask) => overNeighbours(mask, false);

function drop(mask: Mask, below: Below): Mask {
  const { labels, count } = connectedComponents(mask, 6);
  const kept = [0, ...Array.from({ length: count }, () => (below(3) === 0 ? 0 : 1))];
  const data = new Uint8Array(labels.data.length);
  for (let at = 0; at < data.length; at++) data[at] = kept[labels.data[at]];
  return onGrid(mask, data);
}

const steps: Record<string, (mask: Mask, below: Below) => Mask> = {
  same: (mask) => mask,
  empty: (mask) => onGrid(mask, new Uint8Array(mask.data.length)),
  shift,
  erode,
  dilate,
  merge: (mask) => erode(dilate(dilate(mask))),
  split: (mask, below) => {
    const first = below(5);
    const cut = mask.data.slice();
    eachVoxel(mask.size, (at, i) => {
      if (i >= first && (i - first) % 5 === 0) cut[at] = 0;
    });
    return onGrid(mask, cut);
  },
  drop,
  ragged: (mask, below) =>
    onGrid(
      mask,
      mask.data.map((value) => (value !== 0 && below(4) === 0 ? 0 : value)),
    ),
  add: (mask, below) => {
    const grown = onGrid(mask, mask.data.slice());
    addBalls(grown, below, 12);
    return grown;
  },
  specks: (mask, below) => {
    const grown = onGrid(mask, mask.data.slice());
    addRuns(grown, below, 60);
    return grown;
  },
};

export function perturb(mask: Mask, kind: string, seed: number): Mask {
  const below = lcg(seed);
  return kind.split('+').reduce((result, step) => steps[step](result, below), mask);
}

export interface Case {
  readonly kind: string;
  readonly seed: number;
  readonly spacingMm: readonly [number, number, number];
  readonly swapped: boolean;
  /** Voxels of the reference and of the prediction, to see that both languages made the same. */
  readonly voxels: readonly [number, number];
}

export function tinyPair({ kind, seed, swapped }: Case): [reference: Mask, prediction: Mask] {
  const below = lcg(seed + 77);
  const mask = maskOfSize([20, 18, 12]);
  addBalls(mask, below, 7);
  addRuns(mask, below, 8);
  let changed = perturb(mask, kind, seed);
  if (kind.includes('specks')) {
    const core = erode(changed).data;
    changed = onGrid(
      mask,
      changed.data.map((value, at) => value & (mask.data[at] | core[at])),
    );
  }
  return swapped ? [changed, mask] : [mask, changed];
}

export function pairOnMask(
  { kind, seed, swapped, thick: thickSlices }: Case & { readonly thick: boolean },
  cropped: Mask,
): [reference: Mask, prediction: Mask] {
  const base = thickSlices ? thick(cropped) : cropped;
  const changed = perturb(base, kind, seed);
  return swapped ? [changed, base] : [base, changed];
}
