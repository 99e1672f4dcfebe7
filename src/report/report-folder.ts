import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ResultKind, requireReplaceableFolder, writeFolderWhole } from '../formats/index.js';

/** Files of a report by name. */
export type ReportFiles = ReadonlyMap<string, string | Uint8Array>;

/** Name and version of the machine-readable file among a report's files. */
export const evaluationSchema = { schema: 'dawson-evaluation', schemaVersion: 1 } as const;

/** What the folder of an evaluation or comparison is known by. */
const evaluationResult: ResultKind = {
  names: /^(evaluation\.json|cases\.csv|report\.html|(table|figure)-[\w-]+\.(md|csv|tex|svg|png))$/,
  marker: 'evaluation.json',
  schema: evaluationSchema.schema,
};

/** Makes sure, before long work begins, that {@link writeReport} may write there later. */
export function requireReportFolder(folder: string): Promise<void> {
  return requireReplaceableFolder(folder, evaluationResult);
}

/** Removes an earlier report; a folder that holds anything else stays. */
export async function removeReport(folder: string): Promise<void> {
  const isReport = await requireReportFolder(folder).then(
    () => true,
    () => false,
  );
  if (isReport) await rm(folder, { recursive: true, force: true });
}

/** Writes a report as a whole; an earlier one in the folder is replaced. */
export function writeReport(
  folder: string,
  files: ReportFiles,
  signal?: AbortSignal,
): Promise<void> {
  return writeFolderWhole(
    folder,
    async (staging) => {
      for (const [name, content] of files) await writeFile(join(staging, name), content);
    },
    { signal, kind: evaluationResult },
  );
}
