import type { Cleaning } from '../../model/model-folder.js';
import { connectedComponents } from '../../volume/components.js';
import { maskWhere, type Volume } from '../../volume/volume.js';

/**
 * nnU-Net's post-processing: for each rule in turn, voxels with its labels that do not belong to the
 * largest component become background. Components of the same largest size all stay.
 */
export function cleanedInPlace(labels: Volume<Uint8Array>, cleaning: readonly Cleaning[]): void {
  for (const { labels: judged, connectivity } of cleaning) {
    const mask = maskWhere(labels, (label) => judged.includes(label));
    const { labels: components, sizesVoxels, count } = connectedComponents(mask, connectivity);
    let largest = 0;
    for (let id = 1; id <= count; id++) largest = Math.max(largest, sizesVoxels[id]);
    for (let at = 0; at < labels.data.length; at++) {
      const component = components.data[at];
      if (component !== 0 && sizesVoxels[component] !== largest) labels.data[at] = 0;
    }
  }
}
