import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { counted } from '../counted.js';
import { DawsonError } from '../errors.js';
import { imageName, isImageName } from '../formats/index.js';

/** The image files of a folder by the name of their case, in the order of the names. */
export type FolderOfImages = ReadonlyMap<string, string>;

/**
 * The image files directly in a folder, by name without ending, and a sentence for every case that
 * has two files. Hidden files and other kinds of files are passed over.
 * @throws DawsonError `file-not-found` when the folder cannot be read.
 */
export async function imagesIn(
  folder: string,
): Promise<{ images: FolderOfImages; problems: string[] }> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw new DawsonError('file-not-found', {
      file: folder,
      expected: 'a folder of images',
      found: (error as NodeJS.ErrnoException).code ?? 'no folder',
    });
  }
  const images = new Map<string, string>();
  const problems: string[] = [];
  for (const name of names.filter((name) => isImageName(name) && !name.startsWith('.')).sort()) {
    const id = imageName(name);
    const known = images.get(id);
    if (known !== undefined) problems.push(`${id}: two files in ${folder}`);
    else images.set(id, join(folder, name));
  }
  return { images, problems };
}

/**
 * The cases that all folders have. Sentences about every case that one has and another lacks are
 * added to `problems`.
 */
export function casesInAll(
  folders: readonly { readonly name: string; readonly images: FolderOfImages }[],
  problems: string[],
): string[] {
  const ids = [...new Set(folders.flatMap(({ images }) => [...images.keys()]))].sort();
  return ids.filter((id) => {
    const lacking = folders.filter(({ images }) => !images.has(id));
    for (const { name } of lacking) problems.push(`${id}: no file in ${name}`);
    return lacking.length === 0;
  });
}

/** Throws all problems of a cohort at once, one a line; nothing when there are none. */
export function throwProblems(problems: readonly string[], expected: string): void {
  if (problems.length === 0) return;
  throw new DawsonError('inputs-conflict', {
    expected,
    found: `${counted(problems.length, 'problem')}:\n    ${problems.join('\n    ')}`,
    advice: 'Correct all that is listed; nothing was written.',
  });
}
