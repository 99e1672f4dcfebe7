import { invert } from '../volume/affine.js';
import type { Grid } from '../volume/volume.js';
import { type Geometry, type Points, pointsInHead } from './geometry.js';
import type { Head } from './head.js';
import type { LesionLibrary } from './lesion-library.js';
import { type LesionParameters, type RenderedLesions, renderLesions } from './lesions.js';

/** What every sequence of an exam shows: the deformed head and its lesions on one grid. */
export interface Anatomy extends RenderedLesions {
  /** Parallel to the axes of the body. */
  readonly grid: Grid;
  readonly tissues: Uint8Array;
  /** In eighths of a mm, as in {@link Head}. */
  readonly brainDistance: Int8Array;
  readonly ventricleDistance: Uint8Array;
}

/** Deforms a head onto a grid parallel to the axes of the body and lays lesions into it. */
export function renderAnatomy(
  grid: Grid,
  head: Head,
  geometry: Geometry,
  lesions: LesionParameters,
  library: LesionLibrary,
): Anatomy {
  const points = pointsInHead(grid, geometry);
  const surroundings = { grid, points, ...lookedUp(head, points) };
  const rendered = renderLesions(lesions, surroundings, head, library);
  const { tissues, brainDistance, ventricleDistance } = surroundings;
  return { grid, tissues, brainDistance, ventricleDistance, ...rendered };
}

/** Values of the nearest voxels of a head; air far from the brain beyond its grid. */
function lookedUp(head: Head, [px, py, pz]: Points) {
  const map = invert(head.tissues.affine);
  const [nx, ny, nz] = head.tissues.size;
  const tissues = new Uint8Array(px.length);
  const brainDistance = new Int8Array(px.length).fill(127);
  const ventricleDistance = new Uint8Array(px.length).fill(255);
  for (let at = 0; at < px.length; at++) {
    const x = px[at];
    const y = py[at];
    const z = pz[at];
    const i = Math.round(map[0] * x + map[1] * y + map[2] * z + map[3]);
    const j = Math.round(map[4] * x + map[5] * y + map[6] * z + map[7]);
    const k = Math.round(map[8] * x + map[9] * y + map[10] * z + map[11]);
    if (i < 0 || j < 0 || k < 0 || i >= nx || j >= ny || k >= nz) continue;
    const from = i + nx * (j + ny * k);
    tissues[at] = head.tissues.data[from];
    brainDistance[at] = head.brainDistance.data[from];
    ventricleDistance[at] = head.ventricleDistance.data[from];
  }
  return { tissues, brainDistance, ventricleDistance };
}
