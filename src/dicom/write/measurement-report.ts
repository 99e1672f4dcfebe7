import type { LesionChange } from '../../quantify/change.js';
import { type FoundLesion, notice } from '../../quantify/findings.js';
import type { ExamResult } from '../../quantify/read-result.js';
import { changeCodes, codes, regionCodes, sideCodes } from './codes.js';
import { commonAttributes } from './common.js';
import type { DataSet } from './data-set.js';
import { uidOf } from './identifiers.js';
import type { Segment } from './segmentation.js';
import { imageReferences, type SourceSeries } from './source-series.js';

/** What became of the lesions since an earlier exam. */
export interface ReportedChange {
  /** YYYY-MM-DD, where it is known. */
  readonly previousDate?: string;
  readonly lesions: readonly LesionChange[];
}

/** A segment of a segmentation that was written. */
export interface MeasuredSegment {
  readonly segment: Segment;
  readonly segmentation: DataSet;
}

/**
 * The numbers of the findings as an Imaging Measurement Report (TID 1500 of PS3.16): a group for all
 * lesions together, and one for each.
 */
export function measurementReport(
  source: SourceSeries,
  { findings }: ExamResult,
  all: MeasuredSegment,
  each: readonly MeasuredSegment[],
  change?: ReportedChange,
): DataSet {
  const { lesions, lesionCount, lesionVolumeMl } = findings;
  const groups = [
    group(source, all, [], lesionVolumeMl, [
      number(codes.numberOfLesions, lesionCount, codes.noUnits),
      ...(change ? [comparedWith(change)] : []),
    ]),
    ...lesions.map((lesion, index) =>
      group(
        source,
        each[index],
        siteOf(lesion),
        lesion.volumeMl,
        changeOf(lesion.id, change?.lesions),
      ),
    ),
    ...(change?.lesions ?? []).filter(({ currentIds }) => currentIds.length === 0).map(gone),
  ];
  const segmentations = [...new Set([all, ...each].map(({ segmentation }) => segmentation))];
  return {
    ...commonAttributes(source, 'measurements'),
    ReferencedPerformedProcedureStepSequence: [],
    PerformedProcedureCodeSequence: [],
    CurrentRequestedProcedureEvidenceSequence: [evidence(source, segmentations)],
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED',
    PreliminaryFlag: 'PRELIMINARY',
    ValueType: 'CONTAINER',
    ConceptNameCodeSequence: [codes.measurementReport],
    ContinuityOfContent: 'SEPARATE',
    ContentTemplateSequence: [template('1500')],
    ContentSequence: [
      ...context(),
      container(codes.imageLibrary, [
        container(
          codes.imageLibraryGroup,
          imageReferences(source).map((reference) => ({
            RelationshipType: 'CONTAINS',
            ValueType: 'IMAGE',
            ReferencedSOPSequence: [reference],
          })),
        ),
      ]),
      container(codes.measurements, groups),
      item('CONTAINS', 'TEXT', codes.comment, { TextValue: notice }),
    ],
  };
}

/** The objects that the report rests on, by their series. */
function evidence(source: SourceSeries, segmentations: readonly DataSet[]): DataSet {
  return {
    StudyInstanceUID: source.header.patientAndStudy.StudyInstanceUID,
    ReferencedSeriesSequence: [
      ...segmentations.map((object) => ({
        SeriesInstanceUID: object.SeriesInstanceUID,
        ReferencedSOPSequence: [referenceTo(object)],
      })),
      { SeriesInstanceUID: source.uid, ReferencedSOPSequence: imageReferences(source) },
    ],
  };
}

/** Language, who observed, and what was done. */
function context(): DataSet[] {
  return [
    coded('HAS CONCEPT MOD', codes.language, codes.english),
    coded('HAS OBS CONTEXT', codes.observerType, codes.device),
    item('HAS OBS CONTEXT', 'UIDREF', codes.deviceUid, { UID: uidOf('device') }),
    item('HAS OBS CONTEXT', 'TEXT', codes.deviceName, { TextValue: 'Dawson' }),
    coded('HAS CONCEPT MOD', codes.procedureReported, codes.mrBrain),
  ];
}

/** Volumetric measurements of one segment (TID 1411). */
function group(
  source: SourceSeries,
  { segment, segmentation }: MeasuredSegment,
  site: readonly DataSet[],
  volumeMl: number,
  measurements: readonly DataSet[],
): DataSet {
  const method = coded('HAS CONCEPT MOD', codes.measurementMethod, codes.sumOfVoxels);
  const content = [
    item('HAS OBS CONTEXT', 'TEXT', codes.trackingIdentifier, { TextValue: segment.label }),
    item('HAS OBS CONTEXT', 'UIDREF', codes.trackingUid, { UID: segment.trackingUid }),
    coded('CONTAINS', codes.finding, codes.whiteMatterHyperintensity),
    item('CONTAINS', 'IMAGE', codes.referencedSegment, {
      ReferencedSOPSequence: [
        { ...referenceTo(segmentation), ReferencedSegmentNumber: segment.number },
      ],
    }),
    item('CONTAINS', 'UIDREF', codes.sourceSeries, { UID: source.uid }),
    ...site,
    number(codes.volume, 1000 * volumeMl, codes.cubicMillimetre, [method]),
    ...measurements,
  ];
  return {
    ...container(codes.measurementGroup, content),
    ContentTemplateSequence: [template('1411')],
  };
}

/** Where a lesion lies, as far as it is known. */
function siteOf({ region, side }: FoundLesion): DataSet[] {
  if (region === undefined) return [];
  const { site, text } = regionCodes[region];
  const laterality = side && coded('HAS CONCEPT MOD', codes.laterality, sideCodes[side]);
  return [
    {
      ...coded('CONTAINS', codes.findingSite, site),
      ...(laterality && { ContentSequence: [laterality] }),
    },
    item('CONTAINS', 'TEXT', codes.comment, { TextValue: text }),
  ];
}

const comparedWith = ({ previousDate }: ReportedChange) =>
  item('CONTAINS', 'TEXT', codes.comment, {
    TextValue: `Compared with the exam before${previousDate ? `, of ${previousDate}` : ''}`,
  });

/** What became of a lesion of this exam. */
function changeOf(id: number, changes: readonly LesionChange[] = []): DataSet[] {
  const change = changes.find(({ currentIds }) => currentIds.includes(id));
  return change ? [coded('CONTAINS', codes.changedStatus, changeCodes[change.changeClass])] : [];
}

/** A lesion that only the exam before shows: a group without a place in this one (TID 1501). */
const gone = ({ changeClass, trackingUid, previousIds }: LesionChange): DataSet => ({
  ...container(codes.measurementGroup, [
    item('HAS OBS CONTEXT', 'TEXT', codes.trackingIdentifier, {
      TextValue: `Lesion ${previousIds.join(' and ')} of the exam before`,
    }),
    ...(trackingUid === undefined
      ? []
      : [item('HAS OBS CONTEXT', 'UIDREF', codes.trackingUid, { UID: trackingUid })]),
    coded('CONTAINS', codes.finding, codes.whiteMatterHyperintensity),
    coded('CONTAINS', codes.changedStatus, changeCodes[changeClass]),
  ]),
  ContentTemplateSequence: [template('1501')],
});

function item(relationship: string, type: string, name: DataSet, content: DataSet): DataSet {
  return {
    RelationshipType: relationship,
    ValueType: type,
    ConceptNameCodeSequence: [name],
    ...content,
  };
}

const container = (name: DataSet, content: readonly DataSet[]) =>
  item('CONTAINS', 'CONTAINER', name, {
    ContinuityOfContent: 'SEPARATE',
    ContentSequence: content,
  });

const coded = (relationship: string, name: DataSet, value: DataSet) =>
  item(relationship, 'CODE', name, { ConceptCodeSequence: [value] });

const number = (name: DataSet, value: number, unit: DataSet, modifiers: readonly DataSet[] = []) =>
  item('CONTAINS', 'NUM', name, {
    MeasuredValueSequence: [{ NumericValue: value, MeasurementUnitsCodeSequence: [unit] }],
    ...(modifiers.length > 0 && { ContentSequence: modifiers }),
  });

const template = (identifier: string): DataSet => ({
  MappingResource: 'DCMR',
  TemplateIdentifier: identifier,
});

const referenceTo = ({ SOPClassUID, SOPInstanceUID }: DataSet): DataSet => ({
  ReferencedSOPClassUID: SOPClassUID,
  ReferencedSOPInstanceUID: SOPInstanceUID,
});
