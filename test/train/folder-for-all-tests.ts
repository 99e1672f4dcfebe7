import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder for all tests of a file, removed after them. */
export function folderForAllTests(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawson-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
