import type { FoundLesion } from './findings.js';
import type { LocationSource } from './location.js';

type Value = (lesion: FoundLesion, source: LocationSource | undefined) => string;

/** Columns of `lesions.csv`, in order; adding a column is adding a row. */
const columns: readonly (readonly [name: string, value: Value])[] = [
  ['id', (lesion) => String(lesion.id)],
  ['volume_ml', (lesion) => lesion.volumeMl.toFixed(4)],
  ['size_voxels', (lesion) => String(lesion.sizeVoxels)],
  ['centroid_right_mm', (lesion) => lesion.centroidMm[0].toFixed(2)],
  ['centroid_anterior_mm', (lesion) => lesion.centroidMm[1].toFixed(2)],
  ['centroid_superior_mm', (lesion) => lesion.centroidMm[2].toFixed(2)],
  ['extent_right_mm', (lesion) => lesion.extentMm[0].toFixed(2)],
  ['extent_anterior_mm', (lesion) => lesion.extentMm[1].toFixed(2)],
  ['extent_superior_mm', (lesion) => lesion.extentMm[2].toFixed(2)],
  ['mean_probability', (lesion) => lesion.meanProbability.toFixed(4)],
  ['max_probability', (lesion) => lesion.maxProbability.toFixed(4)],
  ['confidence', (lesion) => lesion.confidence?.toFixed(3) ?? ''],
  ['region', (lesion) => lesion.region ?? ''],
  ['side', (lesion) => lesion.side ?? ''],
  ['ventricles_mm', (lesion) => lesion.distancesMm?.ventricles.toFixed(2) ?? ''],
  ['cortex_mm', (lesion) => lesion.distancesMm?.cortex.toFixed(2) ?? ''],
  ['location_source', (_, source) => source ?? ''],
];

/**
 * The lesion list as comma-separated values (RFC 4180 with bare line feeds), header included.
 * @param source of the lesions' locations; without it these columns are empty.
 */
export function lesionTable(lesions: readonly FoundLesion[], source?: LocationSource): string {
  const rows = lesions.map((lesion) => columns.map(([, value]) => value(lesion, source)));
  return `${[columns.map(([name]) => name), ...rows].map((row) => row.join(',')).join('\n')}\n`;
}
