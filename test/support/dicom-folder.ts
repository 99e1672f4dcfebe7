import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll } from 'vitest';
import type { Instance } from '../../src/dicom/instance.js';
import { readInstance } from '../../src/dicom/read-instance.js';
import type { Run } from '../../src/run.js';
import { WorkerPool } from '../../src/workers.js';
import { temporaryFolder } from './temporary-folder.js';

/** A new folder with these files, by their paths in it. */
export function folderOf(files: Readonly<Record<string, Uint8Array | string>>): string {
  const path = temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), bytes);
  }
  return path();
}

/** Files by numbered names. */
export const named = (files: readonly Uint8Array[], prefix = 'image'): Record<string, Uint8Array> =>
  Object.fromEntries(files.map((bytes, at) => [`${prefix}-${String(at).padStart(3, '0')}`, bytes]));

/** What a program runs long work with, for the tests of one file. */
export function runForTests(): Run {
  const pool = new WorkerPool(2);
  afterAll(() => pool.close());
  return { pool, stage: (_name, work) => work(() => {}) };
}

/** What the headers of files say, without a folder. */
export const instancesOf = (files: readonly Uint8Array[]): Instance[] =>
  files.map((bytes, at) => readInstance(bytes, { file: `file-${at}`, sizeBytes: bytes.length })!);
