import { readdir, stat } from 'node:fs/promises';
import { DawsonError } from '../errors.js';
import { readJsonIfThere } from '../formats/read-json.js';

/**
 * Makes sure that larger work may go on in a folder: one that is not there or empty, or that holds such work.
 * @param marker the JSON file by which it is known, and the schema that this states
 * @param kind such as 'a batch', for messages
 * @throws DawsonError `output-exists` where it holds anything else.
 */
export async function requireWorkFolder(
  folder: string,
  marker: { readonly file: string; readonly schema: string },
  kind: string,
): Promise<void> {
  const stats = await stat(folder).catch(() => undefined);
  if (stats === undefined) return;
  if (stats.isDirectory() && (await readdir(folder)).length === 0) return;
  const known = await readJsonIfThere(marker.file).catch(() => undefined);
  if ((known as { schema?: unknown } | null | undefined)?.schema === marker.schema) return;
  throw new DawsonError('output-exists', {
    file: folder,
    expected: `no folder, an empty one, or that of ${kind}`,
    found: 'something else',
  });
}
