import { readFileSync, writeFileSync } from 'node:fs';
import { temporaryFolder } from '../support/temporary-folder.js';

/** An image of test/goldens/formats/files.json: its files, and what other programs read of them. */
export interface GoldenImage {
  readonly name: string;
  readonly main: string;
  readonly files: Readonly<Record<string, string>>;
  readonly size: readonly number[];
  readonly affine: readonly number[];
  readonly values: readonly number[];
}

export interface GoldenTransform {
  readonly name: string;
  readonly text: string;
  /** Points and their images, LPS mm. */
  readonly lps: readonly (readonly [readonly number[], readonly number[]])[];
}

export const goldens: {
  readonly nifti: readonly GoldenImage[];
  readonly metaimage: readonly GoldenImage[];
  readonly transforms: readonly GoldenTransform[];
} = JSON.parse(readFileSync(new URL('../goldens/formats/files.json', import.meta.url), 'utf8'));

/** Unpacks the files of a golden image. @returns the path of the one to open. */
export function unpack({ files, main }: GoldenImage): string {
  const path = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path(name), Buffer.from(text, 'base64'));
  }
  return path(main);
}

/** The bytes of one golden NIfTI file. */
export function goldenNifti(name: string): Buffer {
  const golden = goldens.nifti.find((image) => image.name === name)!;
  return Buffer.from(golden.files['image.nii'], 'base64');
}
