import type { Volume } from '../volume/volume.js';
import type { NiftiHeader } from './nifti-header.js';
import type { ScalarType } from './scalar-types.js';

/** How stored numbers become intensities: `slope * value + intercept`. */
export interface Scaling {
  readonly slope: number;
  readonly intercept: number;
}

/** An image as its file stores it. */
export interface StoredImage {
  /** The stored numbers; 64-bit integers and 128-bit floats as doubles. */
  readonly volume: Volume;
  readonly type: ScalarType;
  readonly scaling: Scaling;
  /** Absent where the file is no NIfTI. */
  readonly header?: NiftiHeader;
  /** SHA-256 of the file as it was read; of both hashes where the voxels lie in a file of their own. */
  readonly sha256: string;
  /** What was worked around or assumed in reading, in sentences without a full stop. */
  readonly notes: readonly string[];
}
