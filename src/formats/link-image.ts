import { copyFile, readlink, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { voxelsFileOf } from './voxels-file.js';
import { writingFailure } from './write-whole.js';

/**
 * Gives an image another name, which needs no room: a link, or a copy where the file system has none. A link
 * that is there already is left alone; anything else of that name is replaced.
 * @throws DawsonError `file-not-found` and the like, `output-failed`.
 */
export async function linkImage(file: string, target: string): Promise<void> {
  const source = resolve(file);
  if ((await readlink(target).catch(() => undefined)) === source) return;
  await rm(target, { force: true });
  try {
    await symlink(source, target);
  } catch {
    const voxels = await voxelsFileOf(source);
    try {
      await copyFile(source, target);
      if (voxels !== undefined) await copyFile(voxels, besideOf(target, voxels));
    } catch (error) {
      throw writingFailure(error, target);
    }
  }
}

/** Where the copy of a header looks for its voxels: a .hdr by its own name, a .mhd by the name that it holds. */
function besideOf(target: string, voxels: string): string {
  const stem = target.replace(/\.hdr(\.gz)?$/i, '');
  if (stem === target) return join(dirname(target), basename(voxels));
  return stem + /\.img(\.gz)?$/i.exec(voxels)![0];
}
