import { basename } from 'node:path';
import { DawsonError } from '../errors.js';

/** Endings of every image file that {@link readVolume} reads: NIfTI, alone or as a pair; MetaImage. */
export const imageEndings = ['.nii.gz', '.nii', '.hdr.gz', '.hdr', '.mha', '.mhd'] as const;

const imageEnding = /\.(nii|nii\.gz|hdr|hdr\.gz|mha|mhd)$/i;

export const isImageName = (file: string) => imageEnding.test(file);

/** The name of an image file without folder and ending. */
export const imageName = (file: string) => basename(file).replace(imageEnding, '');

/** Endings of the files that are written, by what is in them. */
export const outputEndings = {
  image: ['.nii', '.nii.gz'],
  transform: ['.txt', '.tfm'],
  pdf: ['.pdf'],
  html: ['.html', '.htm'],
} as const;

/** @throws DawsonError `usage` where a name ends in none of these. */
export function requireEnding(file: string, endings: readonly string[]): void {
  if (endings.some((ending) => file.toLowerCase().endsWith(ending))) return;
  throw new DawsonError('usage', {
    file,
    expected: `a file name that ends in ${endings.join(' or ')}`,
    found: 'another one',
    advice: 'Give the output such a name.',
  });
}
