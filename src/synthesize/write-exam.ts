import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ResultKind, writeFolderWhole, writeNifti } from '../formats/index.js';
import { version } from '../version.js';
import { type ExamParameters, type SyntheticExam, sequenceNames } from './exam.js';

/** What the folder of a synthetic exam is known by. */
export const synthesisResult: ResultKind = {
  names: /^(parameters\.json|(flair|t2|t1|truth)\.nii\.gz|preview\.png)$/,
  marker: 'parameters.json',
  schema: 'dawson-synthetic-exam',
};

/**
 * Writes a synthetic exam into a folder, whole or not at all: the sequences that it has, where its
 * lesions are, and everything that was drawn for it.
 * @param scanner the seed of its scanner, where it was given one
 * @param preview a picture of it, as PNG
 * @throws DawsonError `output-exists`, `output-failed`; the signal's reason.
 */
export function writeSyntheticExam(
  folder: string,
  seed: number,
  { parameters, exam }: { readonly parameters: ExamParameters; readonly exam: SyntheticExam },
  {
    scanner,
    preview,
    signal,
  }: {
    readonly scanner?: number;
    readonly preview?: Uint8Array;
    readonly signal?: AbortSignal;
  } = {},
): Promise<void> {
  const write = async (staging: string) => {
    for (const name of sequenceNames) {
      const image = exam.images[name];
      if (image) await writeNifti(join(staging, `${name}.nii.gz`), image);
    }
    await writeNifti(join(staging, 'truth.nii.gz'), exam.truth);
    const { schema } = synthesisResult;
    const document = { schema, schemaVersion: 1, version, seed, scanner, ...parameters };
    await writeFile(join(staging, 'parameters.json'), `${JSON.stringify(document, null, 1)}\n`);
    if (preview) await writeFile(join(staging, 'preview.png'), preview);
  };
  return writeFolderWhole(folder, write, { signal, kind: synthesisResult });
}
