import { DawsonError } from '../errors.js';
import { checkIntensities, type NiftiHeader, readSingle } from '../formats/index.js';
import { type SequenceName, sequenceNames } from '../sequences.js';
import type { Volume } from '../volume/volume.js';

/** The sequences of an exam, in the order in which they are listed everywhere. */
export { type SequenceName, sequenceNames };

/** Names as people write them. */
export const sequenceLabels: Record<SequenceName, string> = { flair: 'FLAIR', t2: 'T2', t1: 'T1' };

/** One sequence as read from its file, on its own grid. */
export interface Sequence {
  readonly file: string;
  /** Series Instance UID, of images that came as DICOM. */
  readonly seriesUid?: string;
  readonly sha256: string;
  readonly volume: Volume<Float32Array>;
  /** Header to write results with, so that they carry exactly this grid; absent for MetaImage. */
  readonly header?: NiftiHeader;
}

/** A raw clinical exam: sequences of one head, each on a grid of its own. */
export type Exam = { readonly flair: Sequence } & { readonly [name in SequenceName]?: Sequence };

/** Paths of the files of an exam. */
export type ExamFiles = { readonly flair: string } & { readonly [name in SequenceName]?: string };

/** The names of the sequences that an exam (or its files) has, in their fixed order. */
export function sequencesOf(exam: { readonly [name in SequenceName]?: unknown }): SequenceName[] {
  return sequenceNames.filter((name) => exam[name] !== undefined);
}

/**
 * Reads the files of an exam.
 * @returns the exam, and what was worked around in reading it.
 * @throws DawsonError for a file that is no usable image, and `inputs-conflict` when the same image
 *   is given for two sequences.
 */
export async function readExam(files: ExamFiles): Promise<{ exam: Exam; notes: string[] }> {
  const notes: string[] = [];
  const exam: { [name in SequenceName]?: Sequence } = {};
  for (const name of sequencesOf(files)) {
    const file = files[name]!;
    const image = await readSingle(file);
    checkIntensities(image.volume, file);
    notes.push(...image.notes.map((note) => `${sequenceLabels[name]}: ${note}`));
    const { volume } = image;
    for (const earlier of sequencesOf(exam)) {
      if (!sameValues(exam[earlier]!.volume, volume)) continue;
      throw new DawsonError('inputs-conflict', {
        file,
        expected: `a ${sequenceLabels[name]} that is another image than the ${sequenceLabels[earlier]}`,
        found: `the same voxels as in ${exam[earlier]!.file}`,
      });
    }
    exam[name] = { file, sha256: image.sha256, volume, header: image.header };
  }
  return { exam: exam as Exam, notes };
}

function sameValues(a: Volume, b: Volume): boolean {
  return a.data.length === b.data.length && a.data.every((value, voxel) => value === b.data[voxel]);
}
