import { lesionLabels } from '../../quantify/lesion-labels.js';
import type { ResultChange } from '../../quantify/read-change.js';
import type { ExamResult } from '../../quantify/read-result.js';
import { inWorker } from '../../workers.js';
import { type DataSet, dicomFile } from './data-set.js';
import { encapsulatedReport } from './encapsulated-report.js';
import { asSeries } from './identifiers.js';
import { measurementReport } from './measurement-report.js';
import { changePreviews, lesionPreviews } from './preview-series.js';
import { allLesionsSegmentation, eachLesionSegmentation, segmentsOf } from './segmentation.js';
import type { SourceSeries } from './source-series.js';
import { keptTrackingUids, type Labels, trackingUidsOf } from './tracking.js';

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

/** What objects are made of. */
export interface Composition {
  readonly result: ExamResult;
  /** The report, where there is one. */
  readonly pdf?: Uint8Array;
  /** What became of the lesions since an earlier exam. */
  readonly change?: ResultChange;
  /** For a source without what tells whose it is: no text in pictures, and none that the report names. */
  readonly deidentified?: boolean;
  /** Name of the lesions' mask, for messages. */
  readonly maskFile?: string;
}

/**
 * All objects of a result, as files.
 * @throws DawsonError as {@link lesionLabels} does.
 */
export function composeObjects(source: SourceSeries, composition: Composition): ComposedObject[] {
  return [...objectsOf(source, composition)].map(([file, object]) => ({
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
  { result, pdf, change, deidentified = false, maskFile }: Composition,
): Map<string, DataSet> {
  const { findings, lesions } = result;
  const labels = lesionLabels(
    lesions,
    findings.settings.lesionRule.connectivity,
    findings.lesions,
    maskFile,
  );
  const comparison = change?.document.consecutive.at(-1);
  const own = trackingUidsOf(source.uid, labels, findings.lesionCount);
  const trackingUids = comparison ? keptTrackingUids(own, comparison) : own;
  const [wholeSegment] = segmentsOf(
    trackingUidsOf(source.uid, lesions as Labels, 1),
    () => 'All lesions',
  );
  const segments = segmentsOf(trackingUids, (id) => `Lesion ${id}`);
  const [whole] = asSeries([allLesionsSegmentation(source, result, wholeSegment)]);
  const each =
    segments.length > 0 ? asSeries([eachLesionSegmentation(source, result, labels, segments)]) : [];
  const [measurements] = asSeries([
    measurementReport(
      source,
      result,
      { segment: wholeSegment, segmentation: whole },
      segments.map((segment) => ({ segment, segmentation: each[0] })),
      comparison && {
        previousDate: change?.document.exams[comparison.previous].exam?.date,
        lesions: comparison.lesions,
      },
    ),
  ]);
  const report = pdf ? asSeries([encapsulatedReport(source, pdf, !deidentified)]) : [];
  const previews = asSeries(lesionPreviews(source, result, !deidentified));
  const changes = change ? asSeries(changePreviews(source, result, change.map, !deidentified)) : [];
  const numbered = (objects: readonly DataSet[], name: string) =>
    objects.map(
      (object, index) => [`${name}-${String(index + 1).padStart(3, '0')}.dcm`, object] as const,
    );
  return new Map([
    ['lesions.dcm', whole],
    ...each.map((object) => ['each-lesion.dcm', object] as const),
    ['measurements.dcm', measurements],
    ...report.map((object) => ['report.dcm', object] as const),
    ...numbered(previews, 'preview'),
    ...numbered(changes, 'change'),
  ]);
}
