import { DawsonError } from '../errors.js';
import { inWorker } from '../workers.js';
import { type Instance, type Source, sourceName } from './instance.js';
import { headerBytes } from './limits.js';
import { readInstance } from './read-instance.js';
import { SourceReader } from './read-source.js';
import type { DicomRemark } from './refusal.js';

/** What some files of a folder hold. */
export interface Scan {
  readonly instances: readonly Instance[];
  /** Files that are no DICOM. */
  readonly others: number;
  readonly remarks: readonly DicomRemark[];
}

/** Reads the headers of files, in a worker. A file that cannot be read is a remark, not a failure. */
export function scanSources(sources: readonly Source[]): Promise<Scan> {
  return SourceReader.with(async (reader) => {
    const instances: Instance[] = [];
    const remarks: DicomRemark[] = [];
    let others = 0;
    for (const source of sources) {
      try {
        const instance = await scanSource(source, reader);
        if (instance) instances.push(instance);
        else others++;
      } catch (error) {
        if (!(error instanceof DawsonError)) throw error;
        const { expected, found } = error.details;
        const text = `expected ${expected}; found ${found}`;
        remarks.push({ code: 'unreadable-file', file: sourceName(source), text });
      }
    }
    return { instances, others, remarks };
  });
}

export const scanSourcesInWorker = inWorker<typeof scanSources>(import.meta.url, 'scanSources');

/** The beginning of a file is enough for nearly all; the whole one is read where it is not. */
async function scanSource(source: Source, reader: SourceReader): Promise<Instance | undefined> {
  const start = await reader.read(source, headerBytes);
  if (start.length === source.sizeBytes) return readInstance(start, source);
  try {
    const instance = readInstance(start, source);
    if (instance === undefined || instance.pixels === undefined || !instance.damage)
      return instance;
  } catch (error) {
    if (!(error instanceof DawsonError)) throw error;
  }
  return readInstance(await reader.read(source), source);
}
