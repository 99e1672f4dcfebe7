import { DawsonError } from '../../errors.js';
import type { ExamResult } from '../../quantify/read-result.js';
import type { Run } from '../../run.js';
import { sameGrid, type Volume } from '../../volume/volume.js';
import type { DicomFolder } from '../read-folder.js';
import type { Layout, Slice } from '../slices.js';
import { stackVolume } from '../stack-volume.js';
import type { Stack } from '../stacks.js';
import type { DataSet } from './data-set.js';
import { uidOf } from './identifiers.js';
import { readSourceHeaderInWorker, type SourceHeader } from './source-header.js';

/** The FLAIR that a result was made of: slice k of the result's grid is `layout.slices[k]`. */
export interface SourceSeries {
  readonly uid: string;
  readonly frameOfReference: string;
  readonly layout: Layout;
  readonly header: SourceHeader;
}

/**
 * The FLAIR series of a result among DICOM files: the series that the findings name, on the very
 * grid, with the very voxels.
 * @param resultFolder for messages
 * @throws DawsonError `inputs-conflict` where it is not there.
 */
export async function sourceSeries(
  folder: DicomFolder,
  result: ExamResult,
  resultFolder: string,
  run: Pick<Run, 'pool' | 'signal'>,
): Promise<SourceSeries> {
  const uid = namedSeries(result, resultFolder);
  const series = folder.studies.flatMap((study) => study.series).find((one) => one.uid === uid);
  if (!series) throw otherExam(folder.path, `the series ${uid} that the result is of`, 'none');
  const stack = await stackOf(series.stacks, result, folder.path, run);
  const { instance } = stack.slices[0];
  return {
    uid,
    frameOfReference: instance.frameOfReference ?? uidOf('frame of reference', uid),
    layout: stack.layout!,
    header: await readSourceHeaderInWorker(run, instance.source),
  };
}

/** `segment --dicom` names the inputs by their series. */
function namedSeries({ findings }: ExamResult, file: string): string {
  const uid = /^series ([0-9.]+)$/.exec(findings.inputs.flair?.fileName ?? '')?.[1];
  if (uid !== undefined) return uid;
  throw new DawsonError('inputs-conflict', {
    file,
    expected: 'a result that was made of DICOM files',
    found: 'one of an image file',
    advice: 'Segment the exam with `dawson segment --dicom`, and export that result.',
  });
}

async function stackOf(
  stacks: readonly Stack[],
  { flair }: ExamResult,
  path: string,
  run: Pick<Run, 'pool' | 'signal'>,
): Promise<Stack> {
  const onGrid = stacks.filter(({ layout }) => layout && sameGrid(layout, flair));
  if (onGrid.length === 0) {
    throw otherExam(path, 'the FLAIR on the grid of the result', 'its series on another grid');
  }
  for (const stack of onGrid) {
    const { volume } = await stackVolume(stack, run);
    if (sameVoxels(volume, flair)) return stack;
  }
  throw otherExam(path, 'the FLAIR of the result', 'its series with other voxels');
}

/** In single precision, in which results keep them. */
const sameVoxels = (a: Volume, b: Volume) =>
  a.data.every((value, voxel) => Math.fround(value) === Math.fround(b.data[voxel]));

const otherExam = (file: string, expected: string, found: string) =>
  new DawsonError('inputs-conflict', {
    file,
    expected,
    found,
    advice: 'Give the DICOM files that the result was made of.',
  });

/** A reference to the image of a slice; to its frame where the image has several. */
export function sliceReference({ instance, frame }: Slice): DataSet {
  return {
    ReferencedSOPClassUID: instance.sopClass,
    ReferencedSOPInstanceUID: instance.sopInstance,
    ...(instance.frames.length > 1 && { ReferencedFrameNumber: frame.number }),
  };
}

/** References to all images of the series, each once. */
export function imageReferences({ layout }: SourceSeries): DataSet[] {
  const instances = new Map(layout.slices.map(({ instance }) => [instance.sopInstance, instance]));
  return [...instances.values()].map(({ sopClass, sopInstance }) => ({
    ReferencedSOPClassUID: sopClass,
    ReferencedSOPInstanceUID: sopInstance,
  }));
}
