import { onesWhere } from '../../volume/volume.js';

/**
 * Labels as the second network of a cascade takes them: [labels.length, ...shape of what was found], 1 where
 * each one is. Others are in no channel.
 */
export function oneHot(found: Int8Array, labels: readonly number[]): Uint8Array {
  const channels = new Uint8Array(labels.length * found.length);
  for (const [index, label] of labels.entries()) {
    channels.set(
      onesWhere(found, (value) => value === label),
      index * found.length,
    );
  }
  return channels;
}
