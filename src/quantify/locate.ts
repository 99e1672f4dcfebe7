import { anatomyFromAtlas, toMidlineSpace, withVentriclesOf } from '../preprocess/region-atlas.js';
import type { Mat4 } from '../volume/affine.js';
import type { Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';
import { lesionLabels } from './lesion-labels.js';
import type { Lesions } from './lesions.js';
import { type LocatedLesions, locateLesions } from './location.js';

/**
 * Locates lesions by the anatomy of the atlas's heads, its ventricles corrected by those that the FLAIR
 * shows. For workers: everything is a plain value.
 * @param flair on the grid of the lesions
 * @param regions as {@link readRegionAtlas} gives it
 * @param toAtlas points of the lesions' grid to points of the atlas, RAS mm
 * @returns nothing when the grid shows no ventricles or no cortex.
 */
export function locateByAtlas(
  flair: Volume,
  { list, mask }: Lesions,
  connectivity: 6 | 18 | 26,
  regions: Volume<Uint8Array>,
  toAtlas: Mat4,
): LocatedLesions | undefined {
  return locateLesions(
    lesionLabels(mask, connectivity, list),
    list,
    withVentriclesOf(flair, anatomyFromAtlas(flair, regions, toAtlas)),
    { source: 'atlas', toMidlineSpace: toMidlineSpace(toAtlas) },
  );
}

export const locateByAtlasInWorker = inWorker<typeof locateByAtlas>(
  import.meta.url,
  'locateByAtlas',
);

/** Locates lesions by labels of the parts of this very brain, on the grid of the lesions. For workers. */
export function locateByLabels(
  { list, mask }: Lesions,
  connectivity: 6 | 18 | 26,
  anatomy: Volume<Uint8Array>,
  toAtlas: Mat4,
): LocatedLesions | undefined {
  return locateLesions(lesionLabels(mask, connectivity, list), list, anatomy, {
    source: 'anatomy-network',
    toMidlineSpace: toMidlineSpace(toAtlas),
  });
}

export const locateByLabelsInWorker = inWorker<typeof locateByLabels>(
  import.meta.url,
  'locateByLabels',
);
