import { DawsonError } from '../errors.js';
import { toFloat32, type Volume } from '../volume/volume.js';
import { ByteStream } from './byte-stream.js';
import { largestSingle, withoutNonFinite } from './check-intensities.js';
import { looksLikeMetaImage, readMetaImageStream } from './metaimage.js';
import { type NiftiHeader, readNiftiStream } from './nifti.js';
import { signatureBytes } from './recognise.js';
import { rescale } from './rescale.js';
import { sha256Of, sha256OfFile } from './sha256.js';
import type { StoredImage } from './stored-image.js';
import { isHeaderName } from './voxels-file.js';

/** An image file in memory. */
export interface ImageFile {
  readonly volume: Volume;
  /** Header to write results on the same grid with; absent where the file is no NIfTI. */
  readonly header?: NiftiHeader;
  /**
   * SHA-256 of the file's bytes, of the very reading that gave the volume; where header and voxels
   * are two files, that of the hashes of both.
   */
  readonly sha256: string;
  /** Voxels that were infinite or not numbers, and are 0 now, or the lowest value where that is below 0. */
  readonly replacedVoxels: number;
  /** What was worked around or assumed in reading, in sentences without a full stop. */
  readonly notes: readonly string[];
}

/**
 * Reads the stored numbers of one three-dimensional image, NIfTI or MetaImage, told apart by content.
 * @throws DawsonError of one of the input codes for any other file.
 */
export function readStored(file: string): Promise<StoredImage> {
  return ByteStream.with<StoredImage>(file, async (bytes) => {
    const { voxelsSha256, ...image }: Omit<StoredImage, 'sha256'> & { voxelsSha256?: string } =
      looksLikeMetaImage(await bytes.peek(signatureBytes))
        ? await readMetaImageStream(bytes)
        : await readNiftiStream(bytes);
    const own = await bytes.sha256();
    const sha256 =
      voxelsSha256 === undefined ? own : sha256Of(Buffer.from(own + voxelsSha256, 'hex'));
    return { ...image, sha256 };
  });
}

/** The hash that {@link readStored} gives of an image, without its voxels where its file is all of it. */
export const sha256OfImage = async (file: string): Promise<string> =>
  isHeaderName(file) ? (await readStored(file)).sha256 : sha256OfFile(file);

/**
 * Reads the intensities of one three-dimensional image. Integers without scaling keep their type
 * (64-bit ones become doubles), with slope and intercept they become floats. What is infinite or not
 * a number becomes 0, or the lowest value where that is below 0, which `notes` says.
 * @throws DawsonError of one of the input codes; `bad-intensities` where no value is finite.
 */
export const readVolume = (file: string): Promise<ImageFile> => readFinite(file);

/**
 * {@link readVolume} for images to compute with, which is done in single precision: what is infinite
 * in it is replaced too.
 */
export async function readSingle(
  file: string,
): Promise<ImageFile & { readonly volume: Volume<Float32Array> }> {
  const image = await readFinite(file, largestSingle);
  return { ...image, volume: toFloat32(image.volume) };
}

async function readFinite(file: string, largest?: number): Promise<ImageFile> {
  const { volume, scaling, header, sha256, notes } = await readStored(file);
  const finite = withoutNonFinite(rescale(volume.data, scaling, file), file, largest);
  return {
    volume: { ...volume, data: finite.data },
    header,
    sha256,
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
