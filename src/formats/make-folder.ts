import { mkdir } from 'node:fs/promises';
import { writingFailure } from './write-whole.js';

/**
 * A folder with those that it lies in, there already or not.
 * @throws DawsonError `output-failed`.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw writingFailure(error, folder);
  }
}
