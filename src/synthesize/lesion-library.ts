import { connectedComponents } from '../volume/components.js';
import { gaussianSmooth } from '../volume/gaussian.js';
import { reorient } from '../volume/reorient.js';
import { type Mask, onGrid, type Size, type Volume } from '../volume/volume.js';
import { cropToContent } from './crop.js';

/** The lesions of one person: 0 background, 1..count the lesions, in lesion space. */
export interface PersonsLesions {
  readonly labels: Volume<Uint16Array>;
  readonly count: number;
}

/** One lesion cut out of its mask, with one empty voxel around it; voxels of 1 mm. */
export interface LesionShape {
  readonly data: Uint8Array;
  readonly size: Size;
}

/** Real lesions from which those of synthetic exams are made. */
export interface LesionLibrary {
  readonly persons: readonly PersonsLesions[];
  readonly shapes: readonly LesionShape[];
  /** How often lesions occur, by place in lesion space: 0 never, 255 most often, both sides alike. */
  readonly frequency: Volume<Uint8Array>;
}

/** Lesions taken as single shapes: smaller ones have no shape, larger ones are confluent. */
const smallestShapeVoxels = 5;
const largestShapeVoxels = 8000;
/** Blur of the frequency map. */
const frequencySigmaMm = 3;

/**
 * Collects the lesions of lesion masks that share one space (MNI pose, 1 mm, one grid).
 * @throws RangeError when there is no mask, or a mask has another size than the first.
 */
export function lesionLibrary(masks: readonly Mask[]): LesionLibrary {
  if (masks.length === 0) throw new RangeError('no lesion masks');
  const upright = masks.map((mask) => reorient(mask));
  const [first] = upright;
  const sum = new Float32Array(first.data.length);
  const persons: PersonsLesions[] = [];
  const shapes: LesionShape[] = [];
  for (const mask of upright) {
    if (mask.data.length !== sum.length) throw new RangeError('lesion masks on different grids');
    for (let at = 0; at < sum.length; at++) if (mask.data[at] !== 0) sum[at]++;
    const { labels, count, sizesVoxels } = connectedComponents(cropToContent(mask), 26);
    persons.push({ labels: onGrid(labels, Uint16Array.from(labels.data)), count });
    const boxes = boundingBoxes(labels, count);
    for (let label = 1; label <= count; label++) {
      if (sizesVoxels[label] < smallestShapeVoxels) continue;
      if (sizesVoxels[label] > largestShapeVoxels) continue;
      shapes.push(cutOut(labels, label, boxes.subarray(6 * label, 6 * label + 6)));
    }
  }
  return { persons, shapes, frequency: frequencyMap(onGrid(first, sum)) };
}

function frequencyMap(sum: Volume<Float32Array>): Volume<Uint8Array> {
  const [nx, ny, nz] = sum.size;
  // The mirror plane is x = 0 mm; masks whose grid is not symmetric about it lose their margin.
  const mirror = Math.round((-2 * sum.affine[3]) / sum.affine[0]);
  const both = new Float32Array(sum.data.length);
  for (let row = 0; row < ny * nz; row++) {
    for (let i = 0; i < nx; i++) {
      const other = mirror - i;
      both[row * nx + i] =
        sum.data[row * nx + i] + (other >= 0 && other < nx ? sum.data[row * nx + other] : 0);
    }
  }
  const smooth = gaussianSmooth(onGrid(sum, both), frequencySigmaMm).data;
  let highest = 0;
  for (let at = 0; at < smooth.length; at++) if (smooth[at] > highest) highest = smooth[at];
  const scale = highest > 0 ? 255 / highest : 0;
  const frequency = new Uint8Array(smooth.length);
  for (let at = 0; at < smooth.length; at++) frequency[at] = Math.round(scale * smooth[at]);
  return onGrid(sum, frequency);
}

/** Smallest and largest index along each axis, by label: i0 i1 j0 j1 k0 k1. */
function boundingBoxes({ data, size }: Volume, count: number): Int32Array {
  const boxes = new Int32Array(6 * (count + 1));
  for (let label = 0; label <= count; label++) boxes.set([1e9, -1, 1e9, -1, 1e9, -1], 6 * label);
  const [nx, ny, nz] = size;
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        if (data[at] === 0) continue;
        const box = 6 * data[at];
        if (i < boxes[box]) boxes[box] = i;
        if (i > boxes[box + 1]) boxes[box + 1] = i;
        if (j < boxes[box + 2]) boxes[box + 2] = j;
        if (j > boxes[box + 3]) boxes[box + 3] = j;
        if (k < boxes[box + 4]) boxes[box + 4] = k;
        if (k > boxes[box + 5]) boxes[box + 5] = k;
      }
    }
  }
  return boxes;
}

function cutOut(labels: Volume, label: number, box: Int32Array): LesionShape {
  const [nx, ny] = labels.size;
  const size: Size = [box[1] - box[0] + 3, box[3] - box[2] + 3, box[5] - box[4] + 3];
  const data = new Uint8Array(size[0] * size[1] * size[2]);
  for (let k = box[4]; k <= box[5]; k++) {
    for (let j = box[2]; j <= box[3]; j++) {
      for (let i = box[0]; i <= box[1]; i++) {
        if (labels.data[i + nx * (j + ny * k)] !== label) continue;
        data[i - box[0] + 1 + size[0] * (j - box[2] + 1 + size[1] * (k - box[4] + 1))] = 1;
      }
    }
  }
  return { data, size };
}
