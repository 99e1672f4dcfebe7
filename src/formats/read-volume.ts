import { DawsonError } from '../errors.js';
import type { Volume } from '../volume/volume.js';
import { ByteStream } from './byte-stream.js';
import { withoutNonFinite } from './check-intensities.js';
import { looksLikeMetaImage, readMetaImageStream } from './metaimage.js';
import { type NiftiHeader, readNiftiStream } from './nifti.js';
import { signatureBytes } from './recognise.js';
import { rescale } from './rescale.js';
import type { StoredImage } from './stored-image.js';

/** An image file in memory. */
export interface ImageFile {
  readonly volume: Volume;
  /** Header to write results on the same grid with; absent where the file is no NIfTI. */
  readonly header?: NiftiHeader;
  /** Voxels that were infinite or not numbers, and are 0 now. */
  readonly replacedVoxels: number;
  /** What was worked around or assumed in reading, in sentences without a full stop. */
  readonly notes: readonly string[];
}

/**
 * Reads the stored numbers of one three-dimensional image, NIfTI or MetaImage, told apart by content.
 * @throws DawsonError of one of the input codes for any other file.
 */
export function readStored(file: string): Promise<StoredImage> {
  return ByteStream.with<StoredImage>(file, async (bytes) =>
    looksLikeMetaImage(await bytes.peek(signatureBytes))
      ? readMetaImageStream(bytes)
      : readNiftiStream(bytes),
  );
}

/**
 * Reads the intensities of one three-dimensional image. Integers without scaling keep their type
 * (64-bit ones become doubles), with slope and intercept they become floats. What is infinite or not
 * a number becomes 0, which `notes` says.
 * @throws DawsonError of one of the input codes; `bad-intensities` where no value is finite.
 */
export async function readVolume(file: string): Promise<ImageFile> {
  const { volume, scaling, header, notes } = await readStored(file);
  const finite = withoutNonFinite(rescale(volume.data, scaling, file), file);
  return {
    volume: { ...volume, data: finite.data },
    header,
    replacedVoxels: finite.replacedVoxels,
    notes: [...notes, ...finite.notes],
  };
}

/**
 * {@link readVolume} for a file that has to be NIfTI, with its header.
 * @throws DawsonError those of {@link readVolume}; `unsupported-image` for a MetaImage.
 */
export async function readNifti(file: string): Promise<ImageFile & { header: NiftiHeader }> {
  const { header, ...image } = await readVolume(file);
  if (header) return { header, ...image };
  throw new DawsonError('unsupported-image', { file, expected: 'NIfTI', found: 'a MetaImage' });
}

/** Numbers this close to a whole one, relative where they are large, are that label. */
const labelTolerance = 1e-6;

/**
 * Reads labels or a mask, as {@link readVolume}: what rescaling in single precision has left beside
 * a whole number is that number.
 */
export async function readLabels(file: string): Promise<ImageFile> {
  const image = await readVolume(file);
  const { data } = image.volume;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return image;
  return { ...image, volume: { ...image.volume, data: data.map(nearestLabel) } };
}

function nearestLabel(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) <= labelTolerance * Math.max(1, Math.abs(value)) ? whole : value;
}
