import { type Mat4, mapAxes, multiply, voxelSizeMm } from '../volume/affine.js';
import { gaussianSmooth } from '../volume/gaussian.js';
import { resample } from '../volume/resample.js';
import { type Grid, onGrid, type Volume } from '../volume/volume.js';
import { alongAxis, profileRows } from './along-axis.js';

/** How the scanner lays its voxels through the body. */
export interface Protocol {
  readonly grid: Grid;
  /** The voxel axis across the slices; its voxel size is the distance between slices. */
  readonly sliceAxis: 0 | 1 | 2;
  /** Full width at half maximum of the slice profile; less than the slice distance leaves gaps. */
  readonly thicknessMm: number;
  /** RAS mm of the scanner to RAS mm of the body: how the head lay during this sequence. */
  readonly pose: Mat4;
  /** Standard deviation of the blur of a point, in all directions. */
  readonly blurMm: number;
}

/** Distance of the planes between which a slice profile is averaged. */
const planeDistanceMm = 1;

/**
 * What a sequence measures, before noise: the painted body on the protocol's grid. Every voxel
 * averages over the slice profile, so that thin structures share voxels with their surroundings.
 */
export function acquire(body: Volume<Float32Array>, protocol: Protocol): Volume<Float32Array> {
  const blurred = protocol.blurMm > 0 ? gaussianSmooth(body, protocol.blurMm) : body;
  return averagedOverSlices(blurred, protocol);
}

/** A map of the body averaged over the voxels of a protocol. */
export function averagedOverSlices(body: Volume, protocol: Protocol): Volume<Float32Array> {
  const { grid, sliceAxis, thicknessMm, pose } = protocol;
  const distanceMm = voxelSizeMm(grid.affine)[sliceAxis];
  const planesPerSlice = Math.max(1, Math.round(distanceMm / planeDistanceMm));
  const margin = Math.ceil((1.1 * thicknessMm * planesPerSlice) / distanceMm);
  const fine = fineGrid(grid, sliceAxis, planesPerSlice, margin);
  const planes = resample(body, fine, { toMoving: pose });
  const centres = Array.from(
    { length: grid.size[sliceAxis] },
    (_, n) => margin + n * planesPerSlice,
  );
  const width = (thicknessMm * planesPerSlice) / distanceMm;
  const rows = profileRows(centres, width, fine.size[sliceAxis]);
  return onGrid(grid, alongAxis(planes.data, fine.size, sliceAxis, rows).data);
}

/** The grid with `planes` planes a slice and `margin` planes more at both ends. */
function fineGrid({ size, affine }: Grid, axis: number, planes: number, margin: number): Grid {
  const step = new Array<number>(16).fill(0);
  for (let diagonal = 0; diagonal < 4; diagonal++) step[5 * diagonal] = 1;
  step[5 * axis] = 1 / planes;
  step[4 * axis + 3] = -margin / planes;
  return {
    size: mapAxes(size, (n, a) => (a === axis ? (n - 1) * planes + 1 + 2 * margin : n)),
    affine: multiply(affine, step as unknown as Mat4),
  };
}
