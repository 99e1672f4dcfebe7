import { lesionLabels } from '../../quantify/lesion-labels.js';
import type { ExamResult } from '../../quantify/read-result.js';
import { inWorker } from '../../workers.js';
import { type DataSet, dicomFile } from './data-set.js';
import { encapsulatedReport } from './encapsulated-report.js';
import { asSeries } from './identifiers.js';
import { measurementReport } from './measurement-report.js';
import { previewSeries } from './preview-series.js';
import { allLesionsSegmentation, eachLesionSegmentation, segmentsOf } from './segmentation.js';
import type { SourceSeries } from './source-series.js';

/** One object that is written. */
export interface ExportedObject {
  readonly file: string;
  readonly sopClass: string;
  readonly sopInstance: string;
  readonly series: string;
}

export interface ComposedObject extends ExportedObject {
  /** The file, whole. */
  readonly bytes: Uint8Array;
}

/**
 * All objects of a result, as files.
 * @param pdf the report
 * @param maskFile name of the lesions' mask, for messages
 * @throws DawsonError as {@link lesionLabels} does.
 */
export function composeObjects(
  source: SourceSeries,
  result: ExamResult,
  pdf: Uint8Array,
  maskFile: string,
): ComposedObject[] {
  return [...objectsOf(source, result, pdf, maskFile)].map(([file, object]) => ({
    file,
    sopClass: String(object.SOPClassUID),
    sopInstance: String(object.SOPInstanceUID),
    series: String(object.SeriesInstanceUID),
    bytes: dicomFile(object),
  }));
}

export const composeObjectsInWorker = inWorker<typeof composeObjects>(
  import.meta.url,
  'composeObjects',
);

/** All objects of a result by the names of their files. */
function objectsOf(
  source: SourceSeries,
  result: ExamResult,
  pdf: Uint8Array,
  file: string,
): Map<string, DataSet> {
  const { findings, lesions } = result;
  const labels = lesionLabels(
    lesions,
    findings.settings.lesionRule.connectivity,
    findings.lesions,
    file,
  );
  const [wholeSegment] = segmentsOf(source, lesions, 1, () => 'All lesions');
  const segments = segmentsOf(source, labels, findings.lesionCount, (id) => `Lesion ${id}`);
  const [whole] = asSeries([allLesionsSegmentation(source, result, wholeSegment)]);
  const each =
    segments.length > 0 ? asSeries([eachLesionSegmentation(source, result, labels, segments)]) : [];
  const [measurements] = asSeries([
    measurementReport(
      source,
      result,
      { segment: wholeSegment, segmentation: whole },
      segments.map((segment) => ({ segment, segmentation: each[0] })),
    ),
  ]);
  const [report] = asSeries([encapsulatedReport(source, pdf)]);
  const previews = asSeries(previewSeries(source, result));
  return new Map([
    ['lesions.dcm', whole],
    ...each.map((object) => ['each-lesion.dcm', object] as const),
    ['measurements.dcm', measurements],
    ['report.dcm', report],
    ...previews.map(
      (object, index) => [`preview-${String(index + 1).padStart(3, '0')}.dcm`, object] as const,
    ),
  ]);
}
