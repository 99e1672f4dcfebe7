import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';

/** What nnU-Net's own code makes: see test/goldens/train/make_nnunet.py. */
export const goldenPath = (name: string) =>
  fileURLToPath(new URL(`../goldens/train/${name}`, import.meta.url));

export const readGolden = (name: string) => JSON.parse(readFileSync(goldenPath(name), 'utf8'));

const unpack = (text: string) => new Uint8Array(inflateSync(Buffer.from(text, 'base64'))).slice();
export const float32Of = (text: string) => new Float32Array(unpack(text).buffer);
export const int8Of = (text: string) => new Int8Array(unpack(text).buffer);

/** Largest difference, as a part of the expected values' range. */
export function relativeDifference(found: Float32Array, expected: Float32Array): number {
  let [low, high, worst] = [Infinity, -Infinity, 0];
  for (let at = 0; at < expected.length; at++) {
    low = Math.min(low, expected[at]);
    high = Math.max(high, expected[at]);
    worst = Math.max(worst, Math.abs(found[at] - expected[at]));
  }
  return worst / (high - low);
}

export const everyNth = (data: Float32Array, step: number) =>
  data.filter((_, at) => at % step === 0);
