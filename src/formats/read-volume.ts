import type { Volume } from '../volume/volume.js';
import { ByteStream } from './byte-stream.js';
import { looksLikeMetaImage, readMetaImageStream } from './metaimage.js';
import { type NiftiHeader, readNiftiStream } from './nifti.js';
import { signatureBytes } from './recognise.js';

/** An image file in memory. */
export interface ImageFile {
  readonly volume: Volume;
  /** Header to write results on the same grid with; absent where the file is no NIfTI. */
  readonly header?: NiftiHeader;
  /** What was worked around or assumed in reading, in sentences without a full stop. */
  readonly notes: readonly string[];
}

/**
 * Reads one three-dimensional image, NIfTI or MetaImage, told apart by content.
 * @throws DawsonError of one of the input codes for any other file.
 */
export function readVolume(file: string): Promise<ImageFile> {
  return ByteStream.with(file, async (bytes) =>
    looksLikeMetaImage(await bytes.peek(signatureBytes))
      ? readMetaImageStream(bytes)
      : readNiftiStream(bytes),
  );
}
