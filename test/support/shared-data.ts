import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

/** Folder of the development data; a test that needs it is skipped, with the reason, where it is absent. */
const folder = fileURLToPath(new URL('../../../shared/data', import.meta.url));

export const sharedData = (...path: string[]) => join(folder, ...path);

/** `describe` for tests that read the development data. */
export function describeWithData(name: string, body: () => void): void {
  if (existsSync(folder)) describe(name, body);
  else describe.skip(`${name} (skipped: the development data is not beside the repository)`, body);
}
