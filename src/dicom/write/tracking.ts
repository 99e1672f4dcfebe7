import { createHash } from 'node:crypto';
import type { ExamComparison } from '../../quantify/change.js';
import type { Volume } from '../../volume/volume.js';
import { uidOf } from './identifiers.js';

export type Labels = Volume<Int32Array> | Volume<Uint8Array>;

/** Identifiers of labels from 1 on: the same voxels of the same series have the same one. */
export function trackingUidsOf(seriesUid: string, labels: Labels, count: number): string[] {
  const hashes = Array.from({ length: count + 1 }, () => createHash('sha256'));
  for (const [voxel, label] of labels.data.entries())
    if (label > 0) hashes[label].update(`${voxel} `);
  return hashes.slice(1).map((hash) => uidOf('lesion', seriesUid, hash.digest('hex')));
}

/**
 * A comparison with the identifiers of the lesions that the previous exam has too. Of lesions that
 * merged, the largest gives its own; ids rise as sizes fall.
 * @param previousUids of the previous exam's lesions, by their ids from 1 on
 */
export const withTrackingUids = (
  comparison: ExamComparison,
  previousUids: readonly string[],
): ExamComparison => ({
  ...comparison,
  lesions: comparison.lesions.map((lesion) =>
    lesion.previousIds.length === 0
      ? lesion
      : { ...lesion, trackingUid: previousUids[Math.min(...lesion.previousIds) - 1] },
  ),
});

/** Identifiers of an exam's lesions: of a lesion that split, the largest part keeps that of the whole. */
export function keptTrackingUids(own: readonly string[], { lesions }: ExamComparison): string[] {
  const kept = [...own];
  for (const { currentIds, trackingUid } of lesions) {
    if (trackingUid !== undefined && currentIds.length > 0) {
      kept[Math.min(...currentIds) - 1] = trackingUid;
    }
  }
  return kept;
}
