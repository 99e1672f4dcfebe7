import { dirname, join } from 'node:path';
import type { Analysis } from './analyze.js';
import { type ComposedObject, writeObjects } from './dicom/index.js';
import {
  formCodeOf,
  writeFolderWhole,
  writeNifti,
  writeTransform,
  writeWhole,
} from './formats/index.js';
import { jsonText } from './formats/json.js';
import { type SequenceName, sequencesOf } from './preprocess/exam.js';
import { flairTo } from './preprocess/flair-grid.js';
import { lesionTable } from './quantify/lesion-table.js';
import type { ResultChange } from './quantify/read-change.js';
import { examResult, type ResultFile, resultRows } from './quantify/result-folder.js';
import type { Volume } from './volume/volume.js';

/** Writes a file, or the one of a sequence where each has its own. */
type Write = (path: string, sequence: SequenceName) => Promise<void>;

export interface WriteOptions {
  /** Adds the prepared sequences, on the reference's grid, and the transforms. */
  readonly intermediate?: boolean;
  /** What became of the lesions since an earlier exam. */
  readonly change?: ResultChange;
  /** The result as DICOM objects. */
  readonly objects?: readonly ComposedObject[];
  readonly signal?: AbortSignal;
}

/** Writes an analysis into a folder, whole or not at all: see {@link writeFolderWhole}. */
export async function writeAnalysis(
  folder: string,
  analysis: Analysis,
  options: WriteOptions = {},
): Promise<void> {
  const { intermediate = false, signal } = options;
  const writers = writersOf(analysis, options);
  const fill = async (staging: string) => {
    for (const [row, { file, optional }] of resultRows) {
      if (optional === 'intermediate' && !intermediate) continue;
      const sequences = file.includes('SEQUENCE') ? sequencesOf(analysis.exam) : ['flair' as const];
      for (const sequence of sequences) {
        await writers[row]?.(join(staging, file.replace('SEQUENCE', sequence)), sequence);
      }
    }
  };
  await writeFolderWhole(folder, fill, { signal, kind: examResult });
}

/** What there is to write for each row of the table; nothing where the analysis does not have it. */
function writersOf(
  analysis: Analysis,
  { change, objects, signal }: WriteOptions,
): Record<ResultFile, Write | undefined> {
  const { findings, lesions, probability, brain, classes, anatomy, overlay, report } = analysis;
  const { exam, preparation } = analysis;
  const formCode = formCodeOf(exam[preparation.reference]!.header);
  const nifti = (volume: Volume) => (path: string) =>
    writeNifti(path, volume, { like: exam.flair.header });
  const bytes = (content: Uint8Array | string) => (path: string) =>
    writeWhole(path, typeof content === 'string' ? Buffer.from(content) : content);
  return {
    flair: nifti(exam.flair.volume),
    lesions: nifti(lesions.mask),
    probability: nifti(probability),
    brain: nifti(brain),
    classes: classes && nifti(classes.labels),
    classProbability:
      classes &&
      (async (path) => {
        for (const [index, { probability }] of classes.probabilities.entries()) {
          await nifti(probability)(path.replace('CLASS', `${index + 1}`));
        }
      }),
    table: bytes(lesionTable(findings.lesions, findings.location?.source)),
    findings: bytes(jsonText(findings)),
    overlay: bytes(overlay),
    pdf: report && bytes(report.pdf),
    html: report && bytes(report.html),
    change: change && bytes(jsonText(change.document)),
    changeMap: change && nifti(change.map),
    dicom: objects && ((path) => writeObjects(dirname(path), objects, signal)),
    anatomy: anatomy && nifti(anatomy),
    prepared: (path, name) => writeNifti(path, preparation.exam[name]!, { formCode }),
    transform: async (path, name) => {
      if (name !== 'flair') await writeTransform(path, flairTo(name, preparation));
    },
  };
}
