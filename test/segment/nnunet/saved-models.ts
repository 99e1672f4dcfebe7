import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** What nnunetv2 saved of a small network, two folds. */
export const saved = fileURLToPath(new URL('../../goldens/segment/nnunet-model', import.meta.url));
/** What nnunet 1.7.1 saved, one fold. */
export const savedV1 = fileURLToPath(
  new URL('../../goldens/segment/nnunet-v1-model', import.meta.url),
);

/** A copy of what nnU-Net saved, to be spoiled. */
export function copied(path: (...names: string[]) => string, from = saved): string {
  cpSync(from, path('results'), { recursive: true });
  return path('results');
}

/** Changes the value in a JSON file. */
export function edit(file: string, change: (json: never) => void): void {
  const json = JSON.parse(readFileSync(file, 'utf8'));
  change(json as never);
  writeFileSync(file, JSON.stringify(json));
}

/** Changes a name in a pickle, which is not compressed, to another of the same length. */
export function rename(file: string, name: string, other: string): void {
  const bytes = readFileSync(file, 'latin1');
  expect(bytes).toContain(name);
  writeFileSync(file, bytes.replaceAll(name, other), 'latin1');
}
