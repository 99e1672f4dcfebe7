import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new folder that is removed when the test ends, and the path of a name in it. */
export function temporaryFolder(): (...path: string[]) => string {
  const folder = mkdtempSync(join(tmpdir(), 'dawson-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return (...path) => join(folder, ...path);
}

/** The path of a new file with these bytes; removed when the test ends. */
export function temporaryFile(name: string, bytes: Uint8Array | string): string {
  const file = temporaryFolder()(name);
  writeFileSync(file, bytes);
  return file;
}
