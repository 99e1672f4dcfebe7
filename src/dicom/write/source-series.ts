import { DawsonError } from '../../errors.js';
import type { SequenceName } from '../../preprocess/exam.js';
import type { ExamResult } from '../../quantify/read-result.js';
import type { Run } from '../../run.js';
import { sameGrid, type Volume } from '../../volume/volume.js';
import type { DicomFolder } from '../read-folder.js';
import type { Layout, Slice } from '../slices.js';
import { stackVolume } from '../stack-volume.js';
import type { Stack } from '../stacks.js';
import type { Series } from '../study.js';
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
  const series = seriesOfInput(folder, result, 'flair', resultFolder);
  return sourceOfStack(series.uid, await stackOf(series.stacks, result, folder.path, run), run);
}

/**
 * The series that a result names as one of its inputs.
 * @throws DawsonError `inputs-conflict` where it is not there.
 */
export function seriesOfInput(
  { path, studies }: DicomFolder,
  result: ExamResult,
  name: SequenceName,
  resultFolder: string,
): Series {
  const uid = namedSeries(result, name, resultFolder);
  const series = studies.flatMap((study) => study.series).find((one) => one.uid === uid);
  if (series) return series;
  throw otherExam(path, `the series ${uid} that the result is of`, 'none');
}

/**
 * A stack that is a volume, as the source of results.
 * @param uid of its series
 * @throws DawsonError as reading and parsing a file.
 */
export async function sourceOfStack(
  uid: string,
  { slices, layout }: Stack,
  run: Pick<Run, 'pool' | 'signal'>,
): Promise<SourceSeries> {
  const { instance } = slices[0];
  return {
    uid,
    frameOfReference: instance.frameOfReference ?? uidOf('frame of reference', uid),
    layout: layout!,
    header: await readSourceHeaderInWorker(run, instance.source),
  };
}

function namedSeries({ findings }: ExamResult, name: SequenceName, file: string): string {
  const uid = findings.inputs[name].seriesUid;
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
