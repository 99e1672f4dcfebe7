import { DawsonError } from '../errors.js';
import { type Remark, remark } from '../remarks.js';
import type { Run } from '../run.js';
import {
  applyToPoint,
  identity,
  invert,
  type Mat4,
  multiply,
  voxelVolumeMm3,
} from '../volume/affine.js';
import { aboveBackground, intensityScale } from '../volume/background.js';
import { reorient } from '../volume/reorient.js';
import type { Grid, LabelMap, Mask, Volume } from '../volume/volume.js';
import { voxelIndex } from '../volume/volume.js';
import { alignToInWorker } from './align.js';
import type { AnatomyNetwork } from './anatomy-network.js';
import { looksBrainExtracted } from './brain-extracted.js';
import { type Exam, type SequenceName, sequenceLabels, sequencesOf } from './exam.js';
import { findHead } from './find-head.js';
import type { PreparedExam, TissuePriors } from './prepared-exam.js';

/**
 * Which sequence the others are brought to, and how freely:
 * - `affine-to-flair`: 12 degrees of freedom, to the FLAIR; the order of Hindsholm et al. 2023.
 * - `rigid-to-finest`: 6 degrees of freedom, to the sequence with the smallest voxels; as in the
 *   code that the authors published with their weights (AIMS).
 */
export const alignments = {
  'affine-to-flair': { degreesOfFreedom: 12 },
  'rigid-to-finest': { degreesOfFreedom: 6 },
} as const;
export type Alignment = keyof typeof alignments;

export interface PrepareOptions {
  readonly alignment: Alignment;
  /** The images show only the brain already. */
  readonly brainExtracted: boolean;
  /** The sequences are aligned already. */
  readonly registered: boolean;
}

/** An exam on one grid, and how it came there. */
export interface Preparation {
  /** All sequences on the reference's grid in RAS orientation, intensities above their background. */
  readonly exam: PreparedExam & { readonly tissuePriors: TissuePriors };
  readonly reference: SequenceName;
  /** Maps points of the reference to points of each sequence, RAS mm. */
  readonly transforms: { readonly [name in SequenceName]?: Mat4 };
  /** Maps points of the reference to points of the head atlas, RAS mm. */
  readonly referenceToAtlas: Mat4;
  /** Parts of the brain on the reference's grid, where a network told them. */
  readonly anatomy?: LabelMap<Uint8Array>;
  readonly degreesOfFreedom: 0 | 6 | 12;
  readonly brainExtracted: boolean;
  readonly notes: readonly Remark[];
}

/**
 * Brings an exam onto one grid and finds the brain: reorient to RAS, find the brain in the
 * reference sequence, register the other sequences to it (all at once, whole heads), and resample
 * each of them once, from the original.
 *
 * @throws DawsonError `brain-not-found`, `registration-failed`, or `inputs-conflict` when sequences
 *   said to be registered do not overlap.
 */
export async function prepare(
  exam: Exam,
  options: PrepareOptions,
  run: Run,
  anatomyNetwork?: AnatomyNetwork,
): Promise<Preparation> {
  const { stage } = run;
  const notes: Remark[] = [];
  const names = sequencesOf(exam);
  const images = new Map(names.map((name) => [name, measured(name)]));
  const reference = options.alignment === 'affine-to-flair' ? 'flair' : finest(images);
  const fixed = reorient(images.get(reference)!);

  const recognised = !options.brainExtracted && looksBrainExtracted(fixed);
  if (recognised) {
    notes.push(remark('brain-extracted', { label: sequenceLabels[reference] }));
  }
  const brainExtracted = options.brainExtracted || recognised;
  const find = namingFile(exam[reference]!.file, () =>
    stage('find the brain', () => findHead(fixed, brainExtracted, run, anatomyNetwork)),
  );

  const degreesOfFreedom = options.registered ? 0 : alignments[options.alignment].degreesOfFreedom;
  const verb = options.registered ? 'resample' : 'register';
  const align = names
    .filter((name) => name !== reference)
    .map(async (name) => {
      const { file } = exam[name]!;
      const aligned = await namingFile(file, () =>
        stage(`${verb} ${sequenceLabels[name]}`, () =>
          alignToInWorker(run, fixed, images.get(name)!, degreesOfFreedom),
        ),
      );
      return { name, ...aligned };
    });

  const [{ brain, tissuePriors, toAtlas, anatomy, note }, ...aligned] = await Promise.all([
    find,
    ...align,
  ]);
  if (note) notes.push(note);
  for (const { name, referenceToSequence } of aligned) {
    const covered = coverage(brain, exam[name]!.volume, referenceToSequence);
    if (covered >= minimumCoverage) continue;
    throw new DawsonError('inputs-conflict', {
      file: exam[name]!.file,
      expected: `a ${sequenceLabels[name]} that shows the brain of the ${sequenceLabels[reference]}`,
      found: `${(100 * covered).toFixed(0)} % of that brain inside its field of view`,
    });
  }
  return {
    exam: {
      ...Object.fromEntries(aligned.map(({ name, resampled }) => [name, resampled])),
      [reference]: fixed,
      brain,
      tissuePriors,
    } as unknown as Preparation['exam'],
    reference,
    transforms: Object.fromEntries([
      [reference, identity],
      ...aligned.map(({ name, referenceToSequence }) => [name, referenceToSequence]),
    ]),
    referenceToAtlas: toAtlas,
    ...(anatomy && { anatomy }),
    degreesOfFreedom,
    brainExtracted,
    notes,
  };

  function measured(name: SequenceName): Volume<Float32Array> {
    const { volume } = exam[name]!;
    const scale = intensityScale(volume);
    const { darkest, usual } = scale;
    if (Math.abs(darkest) > leastShift * (usual.high - usual.low)) {
      notes.push(remark('darkest-intensity', { label: sequenceLabels[name], darkest }));
    }
    return aboveBackground(volume, scale);
  }
}

/** Least shift, as a part of the range of usual intensities; less is the noise of air. */
const leastShift = 0.01;

/** Share of the brain that a sequence has to show; less is another place or another person. */
const minimumCoverage = 0.5;

/** The sequence with the smallest voxels; the FLAIR where several have the same. */
function finest(volumes: ReadonlyMap<SequenceName, Volume>): SequenceName {
  const entries = [...volumes].map(([name, { affine }]) => ({ name, mm3: voxelVolumeMm3(affine) }));
  return entries.reduce((best, entry) => (entry.mm3 < best.mm3 ? entry : best)).name;
}

/** Share of the mask's voxels that lie inside another grid, 0 to 1. */
function coverage(mask: Mask, grid: Grid, maskToGrid: Mat4): number {
  const toVoxel = multiply(invert(grid.affine), multiply(maskToGrid, mask.affine));
  let [inside, all] = [0, 0];
  for (let voxel = 0; voxel < mask.data.length; voxel++) {
    if (mask.data[voxel] === 0) continue;
    all++;
    const place = applyToPoint(toVoxel, voxelIndex(voxel, mask.size));
    if (place.every((at, axis) => at >= -0.5 && at <= grid.size[axis] - 0.5)) inside++;
  }
  return all === 0 ? 0 : inside / all;
}

/** Does the work; a failure that names no file yet is given this one. */
async function namingFile<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DawsonError && error.details.file === undefined) {
      throw new DawsonError(error.code, { ...error.details, file });
    }
    throw error;
  }
}
