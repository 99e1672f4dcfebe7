import { ByteStream } from './byte-stream.js';
import { elementFileOf } from './metaimage.js';
import { pairedFileOf } from './nifti.js';

/** Whether an image of this name may have its voxels in a file of their own. */
export const isHeaderName = (file: string): boolean => /\.(mhd|hdr|hdr\.gz)$/i.test(file);

/**
 * The file of an image's voxels, where it is another than that of its header.
 * @returns nothing where header and voxels are one file, or where there is no file of voxels
 * @throws DawsonError of one of the input codes for what is no header.
 */
export async function voxelsFileOf(file: string): Promise<string | undefined> {
  if (!isHeaderName(file)) return undefined;
  return /\.mhd$/i.test(file)
    ? ByteStream.with(file, (bytes) => elementFileOf(bytes))
    : pairedFileOf(file);
}
