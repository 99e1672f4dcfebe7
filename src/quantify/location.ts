import {
  applyToPoint,
  type Mat4,
  multiply,
  voxelSizeMm,
  voxelVolumeMm3,
} from '../volume/affine.js';
import { anatomyLabel } from '../volume/anatomy-labels.js';
import { type Box, boxOfWhere } from '../volume/box.js';
import { distanceTransformMm } from '../volume/distance.js';
import { onGrid, type Size, sameGrid, strides, type Volume, voxelCount } from '../volume/volume.js';
import type { Lesion } from './lesions.js';

/** The regions of the brain in the McDonald criteria of 2017, and the white matter in none of them. */
export const lesionRegions = [
  'periventricular',
  'cortical-juxtacortical',
  'infratentorial',
  'deep-white-matter',
] as const;
export type LesionRegion = (typeof lesionRegions)[number];
export type Side = 'left' | 'right' | 'midline';

/** The region counts for dissemination in space; of its four the spinal cord is not in an image. */
export const disseminationRegions = lesionRegions.slice(0, 3);

/** Where the anatomy comes from: an atlas laid onto the head, or a network's labels of this head. */
export type LocationSource = 'atlas' | 'anatomy-network';

/** Up to this gap a lesion touches, mm; docs/methods/location.md says why. */
const touchingMm = 1.5;
/** A lesion lies on one side when at least this share of its voxels does. */
const oneSidedShare = 0.8;

/** Where one lesion lies. */
export interface LesionLocation {
  readonly region: LesionRegion;
  readonly side: Side;
  /**
   * From the centre of its nearest voxel to the centre of the nearest voxel of the ventricles and of
   * the cerebral cortex; 0 where it overlaps them. A lesion within both limits is periventricular.
   */
  readonly distancesMm: { readonly ventricles: number; readonly cortex: number };
}

/** Where the lesions of an exam lie. */
export interface LocationSummary {
  readonly source: LocationSource;
  /** Largest distances at which a lesion still touches, between voxel centres of this exam. */
  readonly rule: {
    readonly periventricularWithinMm: number;
    readonly corticalWithinMm: number;
  };
  readonly regions: Readonly<Record<LesionRegion, { count: number; volumeMl: number }>>;
  readonly leftMl: number;
  readonly rightMl: number;
  /** (left - right) / (left + right), from -1 to 1; 0 without lesions. */
  readonly asymmetry: number;
  /** Which of periventricular, cortical-juxtacortical and infratentorial have a lesion. */
  readonly disseminationInSpace: readonly LesionRegion[];
}

/** What {@link locateLesions} finds. */
export interface LocatedLesions {
  /** In the order of the lesion list. */
  readonly locations: readonly LesionLocation[];
  readonly summary: LocationSummary;
}

/** What is known about the head besides its labels. */
export interface Orientation {
  readonly source: LocationSource;
  /** Maps points of the exam, RAS mm, into a space whose x is 0 between the halves of the brain. */
  readonly toMidlineSpace: Mat4;
}

/**
 * Sorts lesions into the regions of the McDonald criteria (Thompson et al. 2018, doi
 * 10.1016/S1474-4422(17)30470-2; distances in docs/methods/location.md): infratentorial when more of
 * it lies in brainstem and cerebellum than in the cerebrum; else periventricular when it touches the
 * ventricles; else cortical or juxtacortical when it touches the cerebral cortex; else deep white matter.
 *
 * @param labels ids of the list's lesions
 * @param anatomy labels of volume/anatomy-labels.ts on the same grid
 * @returns locations in the order of the list; nothing when the anatomy lacks ventricles or cortex.
 */
export function locateLesions(
  labels: Volume<Int32Array>,
  list: readonly Pick<Lesion, 'id' | 'sizeVoxels' | 'volumeMl'>[],
  anatomy: Volume<Uint8Array>,
  { source, toMidlineSpace }: Orientation,
): LocatedLesions | undefined {
  if (!sameGrid(labels, anatomy)) throw new RangeError('lesions and anatomy on different grids');
  // Of everything that is not 0, so that distances are measured where they are asked for.
  const isContent = (at: number) => anatomy.data[at] !== 0 || labels.data[at] !== 0;
  const box = boxOfWhere(anatomy.size, isContent) ?? { first: [0, 0, 0], size: [0, 0, 0] };
  const toVentricles = distancesInBox(anatomy, anatomyLabel.ventricles, box);
  const toCortex = distancesInBox(anatomy, anatomyLabel.cortex, box);
  if (!toVentricles || !toCortex) return undefined;

  const gathered = gather(labels, anatomy, box, toVentricles, toCortex, toMidlineSpace);
  const withinMm = rounded(touchingMm + Math.max(...voxelSizeMm(labels.affine)) / 2);
  const rule = {
    periventricularWithinMm: withinMm,
    corticalWithinMm: withinMm,
  };
  const regionOf = ({ infratentorial, supratentorial, ventriclesMm, cortexMm }: Gathered) => {
    if (infratentorial > supratentorial) return 'infratentorial';
    if (ventriclesMm <= rule.periventricularWithinMm) return 'periventricular';
    return cortexMm <= rule.corticalWithinMm ? 'cortical-juxtacortical' : 'deep-white-matter';
  };
  const regions = Object.fromEntries(
    lesionRegions.map((region) => [region, { count: 0, volumeMl: 0 }]),
  ) as Record<LesionRegion, { count: number; volumeMl: number }>;
  const voxelMl = voxelVolumeMm3(labels.affine) / 1000;
  let [leftMl, rightMl] = [0, 0];
  const locations = list.map(({ id, sizeVoxels, volumeMl }): LesionLocation => {
    const lesion = gathered.get(id);
    if (!lesion) throw new RangeError(`no voxel of lesion ${id}`);
    const region = regionOf(lesion);
    regions[region].count++;
    regions[region].volumeMl += volumeMl;
    const right = lesion.right / sizeVoxels;
    rightMl += lesion.right * voxelMl;
    leftMl += (sizeVoxels - lesion.right) * voxelMl;
    return {
      region,
      side: right >= oneSidedShare ? 'right' : 1 - right >= oneSidedShare ? 'left' : 'midline',
      distancesMm: {
        ventricles: rounded(lesion.ventriclesMm),
        cortex: rounded(lesion.cortexMm),
      },
    };
  });
  const asymmetry = leftMl + rightMl > 0 ? (leftMl - rightMl) / (leftMl + rightMl) : 0;
  const disseminationInSpace = disseminationRegions.filter((region) => regions[region].count > 0);
  const summary = { source, rule, regions, leftMl, rightMl, asymmetry, disseminationInSpace };
  return { locations, summary };
}

/** To hundredths: distances are single precision, and no image knows them better. */
const rounded = (mm: number) => Math.round(mm * 100) / 100;

/** What is known of one lesion after a pass over its voxels. */
interface Gathered {
  infratentorial: number;
  supratentorial: number;
  right: number;
  ventriclesMm: number;
  cortexMm: number;
}

/** Distances in mm inside a box to the nearest voxel of a label; nothing when there is none. */
function distancesInBox(
  { data, size, affine }: Volume<Uint8Array>,
  label: number,
  box: Box,
): Float32Array | undefined {
  const mask = new Uint8Array(voxelCount(box.size));
  let found = false;
  forEachVoxel(box, size, (at, inBox) => {
    if (data[at] !== label) return;
    mask[inBox] = 1;
    found = true;
  });
  return found ? distanceTransformMm(onGrid({ size: box.size, affine }, mask)).data : undefined;
}

function gather(
  labels: Volume<Int32Array>,
  anatomy: Volume<Uint8Array>,
  box: Box,
  toVentricles: Float32Array,
  toCortex: Float32Array,
  toMidlineSpace: Mat4,
): Map<number, Gathered> {
  const lesions = new Map<number, Gathered>();
  const toMidline = multiply(toMidlineSpace, labels.affine);
  forEachVoxel(box, labels.size, (at, inBox, i, j, k) => {
    const id = labels.data[at];
    if (id === 0) return;
    let lesion = lesions.get(id);
    if (!lesion) {
      lesion = {
        infratentorial: 0,
        supratentorial: 0,
        right: 0,
        ventriclesMm: Infinity,
        cortexMm: Infinity,
      };
      lesions.set(id, lesion);
    }
    const label = anatomy.data[at];
    if (label === anatomyLabel.brainstem || label === anatomyLabel.cerebellum) {
      lesion.infratentorial++;
    } else if (label >= anatomyLabel.cortex) lesion.supratentorial++;
    if (applyToPoint(toMidline, [i, j, k])[0] > 0) lesion.right++;
    lesion.ventriclesMm = Math.min(lesion.ventriclesMm, toVentricles[inBox]);
    lesion.cortexMm = Math.min(lesion.cortexMm, toCortex[inBox]);
  });
  return lesions;
}

function forEachVoxel(
  { first, size: [sx, sy, sz] }: Box,
  size: Size,
  visit: (at: number, inBox: number, i: number, j: number, k: number) => void,
): void {
  const [, stepJ, stepK] = strides(size);
  let inBox = 0;
  for (let k = first[2]; k < first[2] + sz; k++) {
    for (let j = first[1]; j < first[1] + sy; j++) {
      for (let i = first[0]; i < first[0] + sx; i++) {
        visit(i + stepJ * j + stepK * k, inBox++, i, j, k);
      }
    }
  }
}
