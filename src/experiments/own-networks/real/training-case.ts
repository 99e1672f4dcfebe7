import { labelsOnGrid } from '../../../segment/lesions/brain-case.js';
import { lesionNetworkInput } from '../../../segment/lesions/lesion-network-input.js';
import { outsideLabel } from '../../../segment/nnunet/preprocess.js';
import { sequenceNames } from '../../../synthesize/exam.js';
import { voxelSizeMm } from '../../../volume/affine.js';
import { type Axes3, shapeOf } from '../../../volume/arrays.js';
import { connectedComponents } from '../../../volume/components.js';
import { resample } from '../../../volume/resample.js';
import { onesWhere, onGrid, toFloat32 } from '../../../volume/volume.js';
import type { PreparedCase } from './prepared-case.js';

/** A real exam as the lesion network sees it, in voxels of 1 mm. */
export interface TrainingCase {
  readonly name: string;
  readonly site: string;
  /** [z, y, x]. */
  readonly shape: Axes3;
  /** [flair t2 t1, z, y, x], normalised; 0 outside of the brain and for a sequence that is missing. */
  readonly image: Float32Array;
  /** Whether the exam has each sequence. */
  readonly present: readonly boolean[];
  /** 1 in lesions, {@link unknownLabel} where nobody knows, {@link outsideLabel} outside of the brain, else 0. */
  readonly labels: Int8Array;
  /** Distance of the slices as measured, and the axis of the body that they are stacked along (0 is left to right). */
  readonly sliceMm: number;
  /** Voxels of the lesions, one lesion after the other. */
  readonly lesionVoxels: Uint32Array;
  /** Where each lesion begins in `lesionVoxels`, and the end of the last. */
  readonly lesionStarts: Uint32Array;
}

export const unknownLabel = 2;

/** What training sees of an exam: what use would see, and the experts' lesions at the same voxels. */
export function trainingCase({ name, site, exam, experts, unknown }: PreparedCase): TrainingCase {
  const { grid, data } = lesionNetworkInput(exam);
  const labels = labelsOnGrid(experts, exam.brain, grid);
  if (unknown) {
    const open = resample(toFloat32(unknown), grid).data;
    for (let at = 0; at < labels.length; at++) {
      if (labels[at] === 0 && open[at] >= 0.5) labels[at] = unknownLabel;
    }
  }
  const mask = onGrid(
    grid,
    onesWhere(labels, (label) => label === 1),
  );
  return {
    name,
    site,
    shape: shapeOf(mask),
    image: data,
    present: sequenceNames.map((sequence) => exam[sequence] !== undefined),
    labels,
    sliceMm: Math.max(...voxelSizeMm(exam.flair.affine)),
    ...lesionsOf(mask),
  };
}

function lesionsOf(mask: Parameters<typeof connectedComponents>[0]) {
  const { labels, count, sizesVoxels } = connectedComponents(mask, 26);
  const lesionStarts = new Uint32Array(count + 1);
  for (let lesion = 1; lesion <= count; lesion++) {
    lesionStarts[lesion] = lesionStarts[lesion - 1] + sizesVoxels[lesion];
  }
  const next = lesionStarts.slice();
  const lesionVoxels = new Uint32Array(lesionStarts[count]);
  for (let at = 0; at < labels.data.length; at++) {
    const lesion = labels.data[at];
    if (lesion > 0) lesionVoxels[next[lesion - 1]++] = at;
  }
  return { lesionVoxels, lesionStarts };
}
