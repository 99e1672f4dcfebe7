import { basename } from 'node:path';
import type { LesionRule } from '../model/lesion-rule.js';
import type { ModelRecord } from '../model/model-record.js';
import { type Exam, type Sequence, type SequenceName, sequencesOf } from '../preprocess/exam.js';
import type { ExamDescription } from '../preprocess/exam-description.js';
import { flairTo } from '../preprocess/flair-grid.js';
import type { Preparation } from '../preprocess/prepare.js';
import { type Remark, remark } from '../remarks.js';
import { version } from '../version.js';
import { type Mat4, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { orientationOf } from '../volume/reorient.js';
import { type Mask, nonZeroVolumeMl, type Size } from '../volume/volume.js';
import type { Lesion, Lesions } from './lesions.js';
import type { LesionLocation, LocatedLesions, LocationSummary } from './location.js';

/** Name and version of the format of `findings.json`; schemas/findings-1.schema.json describes it. */
export const findingsSchema = { schema: 'dawson-findings', schemaVersion: 1 } as const;

/** The sentence that every result carries. */
export const notice = 'Dawson is not a medical device. Its results are not for diagnosis.';

/** One input sequence as it was read. */
export interface InputRecord {
  /** Name of the file, without its folder. */
  readonly fileName: string;
  /** Series Instance UID, of images that came as DICOM. */
  readonly seriesUid?: string;
  readonly sha256: string;
  readonly sizeVoxels: Size;
  readonly voxelSizeMm: Vec3;
  /** Directions of the voxel axes, such as "LPS". */
  readonly orientation: string;
}

/** How a sequence was brought to the FLAIR. */
export interface TransformRecord {
  /** Maps points of the FLAIR to points of the sequence, RAS mm; 16 numbers row by row. */
  readonly flairToSequence: Mat4;
  readonly degreesOfFreedom: 0 | 6 | 12;
}

/** A lesion with its location; that is absent where {@link Findings.location} is. */
export type FoundLesion = Lesion & Partial<LesionLocation>;

export type Note = string | Remark;

/** What `findings.json` holds. Everything but `run` is the same in every run on the same input. */
export interface Findings {
  readonly schema: typeof findingsSchema.schema;
  readonly schemaVersion: typeof findingsSchema.schemaVersion;
  readonly notice: string;
  readonly program: { readonly name: 'dawson'; readonly version: string };
  readonly inputs: Readonly<Record<string, InputRecord>>;
  readonly settings: {
    readonly segmenter: string;
    readonly segmenterSettings: Readonly<Record<string, number | string>>;
    /** The trained model that was used; absent for a method without one. */
    readonly model?: ModelRecord;
    /** The network that found the brain and its parts; absent where classical methods did. */
    readonly anatomyModel?: ModelRecord;
    readonly alignment: string;
    readonly brainExtracted: boolean;
    readonly registered: boolean;
    readonly lesionRule: LesionRule;
  };
  /** Whose exam it is and when it was taken; absent where that is not known. */
  readonly exam?: ExamDescription;
  readonly brainVolumeMl: number;
  readonly lesionCount: number;
  readonly lesionVolumeMl: number;
  readonly lesions: readonly FoundLesion[];
  /**
   * Where the lesions lie, and from which anatomy that is known; absent where too little of the brain
   * is shown (a note says so), and in files of earlier versions.
   */
  readonly location?: LocationSummary;
  readonly transforms: Readonly<Record<string, TransformRecord>>;
  /** What stands out about the images, the worst first; absent in files of earlier versions. */
  readonly quality?: readonly Remark[];
  /**
   * What was worked around, assumed or done without. Sentences where it concerns how a file was read,
   * and in files of earlier versions.
   */
  readonly notes: readonly Note[];
  readonly run: {
    readonly secondsPerStage: Readonly<Record<string, number>>;
    readonly peakMemoryBytes: number;
  };
}

/** What the findings of an exam are put together from. */
export interface Found {
  readonly exam: Exam;
  readonly description?: ExamDescription;
  readonly preparation: Preparation;
  /** On the FLAIR's own grid. */
  readonly brain: Mask;
  readonly lesions: Lesions;
  /** Nothing where the regions are not known. */
  readonly located?: LocatedLesions;
  readonly settings: Findings['settings'];
  readonly quality: readonly Remark[];
  readonly notes: readonly Note[];
}

/** All that is known about an exam as one document, but for the times and memory that it took. */
export function findingsOf(found: Found): Omit<Findings, 'run'> {
  const { exam, description, preparation, brain, lesions, located } = found;
  const names = sequencesOf(exam);
  return {
    ...findingsSchema,
    notice,
    program: { name: 'dawson', version },
    inputs: recordOf(names, (name) => inputRecord(exam[name]!)),
    settings: found.settings,
    ...(description && { exam: description }),
    brainVolumeMl: nonZeroVolumeMl(brain),
    lesionCount: lesions.list.length,
    lesionVolumeMl: lesions.volumeMl,
    lesions: lesions.list.map((lesion, index) => ({ ...lesion, ...located?.locations[index] })),
    ...(located && { location: located.summary }),
    transforms: recordOf(
      names.filter((name) => name !== 'flair'),
      (name) => ({
        flairToSequence: flairTo(name, preparation),
        degreesOfFreedom: preparation.degreesOfFreedom,
      }),
    ),
    quality: found.quality,
    notes: [...found.notes, ...(located ? [] : [remark('regions-unknown')])],
  };
}

const recordOf = <T>(names: readonly SequenceName[], value: (name: SequenceName) => T) =>
  Object.fromEntries(names.map((name) => [name, value(name)]));

function inputRecord({ file, seriesUid, sha256, volume }: Sequence): InputRecord {
  return {
    fileName: basename(file),
    ...(seriesUid !== undefined && { seriesUid }),
    sha256,
    sizeVoxels: volume.size,
    voxelSizeMm: voxelSizeMm(volume.affine),
    orientation: orientationOf(volume.affine),
  };
}
