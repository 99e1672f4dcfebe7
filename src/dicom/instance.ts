import type { Vec3 } from '../volume/affine.js';
import type { Refusal } from './refusal.js';
import type { PixelEncoding } from './transfer-syntax.js';

/** Where the bytes of an instance lie: a file, or an entry of a zip file. */
export interface Source {
  readonly file: string;
  readonly entry?: string;
  readonly sizeBytes: number;
}

/** Name of a source for messages. */
export const sourceName = ({ file, entry }: Source) =>
  entry === undefined ? file : `${file}:${entry}`;

/** How the numbers of an image lie in its frames. */
export interface PixelFormat {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  readonly samples: number;
  readonly photometric: string;
  /** Larger numbers are darker (MONOCHROME1). */
  readonly inverted: boolean;
  /** Compressed with loss, now or before. */
  readonly lossy: boolean;
  readonly encoding: PixelEncoding;
  /** Name of the transfer syntax. */
  readonly syntaxName: string;
}

/** How an image was acquired, in the terms of classic and enhanced objects alike; times in ms. */
export interface Protocol {
  readonly manufacturer?: string;
  readonly description?: string;
  readonly name?: string;
  readonly bodyPart?: string;
  /** SE, IR, GR, EP, RM, as in (0018,0020). */
  readonly sequences: readonly string[];
  /** SK, MTC, SS, TRSS, SP, MP, OSP, TOF, as in (0018,0021). */
  readonly variants: readonly string[];
  readonly scanOptions: readonly string[];
  readonly dimensions?: '2D' | '3D';
  readonly repetitionMs?: number;
  readonly inversionsMs: readonly number[];
  readonly flipDegrees?: number;
  readonly contrastAgent: boolean;
  readonly angiography: boolean;
}

/** One image plane of an instance; lengths in mm, places in LPS. */
export interface Frame {
  /** Counted from 1, as in references to frames. */
  readonly number: number;
  /** Centre of the first voxel. */
  readonly position?: Vec3;
  /** Directions in which columns, then rows, are counted: unit vectors. */
  readonly orientation?: readonly number[];
  /** Between rows, then between columns. */
  readonly spacing?: readonly number[];
  readonly thickness?: number;
  readonly echoMs?: number;
  readonly slope: number;
  readonly intercept: number;
  /** Image Type, or Frame Type. */
  readonly type: readonly string[];
  /** MAGNITUDE, PHASE, REAL, IMAGINARY or MIXED. */
  readonly component?: string;
  /** Acquisition Contrast, which only enhanced objects have. */
  readonly declaredContrast?: string;
  readonly temporalPosition?: number;
  readonly diffusionB?: number;
}

/** What else tells patients apart, each as a hash; absent where the header does not say it. */
export interface PatientDetails {
  readonly name?: string;
  readonly birthDate?: string;
  readonly sex?: string;
}

/** What Dawson knows of one DICOM object, but for its pixels and for the patient. */
export interface Instance {
  readonly source: Source;
  readonly sopClass: string;
  readonly sopInstance: string;
  readonly study: string;
  readonly series: string;
  readonly seriesNumber?: number;
  readonly acquisitionNumber?: number;
  readonly instanceNumber?: number;
  readonly modality: string;
  /** YYYYMMDD; other forms are unknown. */
  readonly studyDate?: string;
  /** HHMMSS, of the series. */
  readonly seriesTime?: string;
  /** Tells patients apart without saying who they are. */
  readonly patientHash: string;
  /** Whether the header says enough to take another exam with this hash for one of the same patient. */
  readonly isPatientKnown: boolean;
  readonly patientDetails: PatientDetails;
  readonly frameOfReference?: string;
  readonly imagesInAcquisition?: number;
  /** The object is a result of Dawson. */
  readonly own: boolean;
  readonly protocol: Protocol;
  /** Absent where the object is no image. */
  readonly pixels?: PixelFormat;
  readonly frames: readonly Frame[];
  /** Why its pixels cannot be used, where the file shows it. */
  readonly damage?: Refusal;
}
