import { notice } from '../../quantify/findings.js';
import type { ExamResult } from '../../quantify/read-result.js';
import { codes } from './codes.js';
import { commonAttributes, type Kind } from './common.js';
import type { DataSet } from './data-set.js';
import { uidOf } from './identifiers.js';
import { imageReferences, type SourceSeries, sliceReference } from './source-series.js';
import { tags } from './tags.js';
import type { Labels } from './tracking.js';

/** Voxels of one value, as one object of a segmentation. */
export interface Segment {
  /** The value, from 1 on without gaps. */
  readonly number: number;
  readonly label: string;
  readonly trackingUid: string;
}

/** A segment on a slice of the source. */
interface SegmentFrame {
  readonly segment: number;
  readonly slice: number;
}

/** All lesions as one segment, on every slice: viewers shift masks that leave out slices within. */
export function allLesionsSegmentation(
  source: SourceSeries,
  { findings, lesions }: ExamResult,
  segment: Segment,
): DataSet {
  const frames = source.layout.slices.map((_, slice) => ({ segment: segment.number, slice }));
  return segmentation(source, 'lesions', {
    labels: lesions as Labels,
    segments: [segment],
    frames,
    version: findings.program.version,
  });
}

/** A segment a lesion, each on the slices that it is in: the ids of `labels` are their numbers. */
export function eachLesionSegmentation(
  source: SourceSeries,
  { findings }: ExamResult,
  labels: Labels,
  segments: readonly Segment[],
): DataSet {
  const slicesOf = slicesOfLabels(labels);
  const frames = segments.flatMap(({ number }) =>
    slicesOf.get(number)!.map((slice) => ({ segment: number, slice })),
  );
  const { version } = findings.program;
  return segmentation(source, 'eachLesion', { labels, segments, frames, version });
}

/** Segments for labels, whose identifiers are those of {@link trackingUidsOf}. */
export const segmentsOf = (
  trackingUids: readonly string[],
  labelOf: (number: number) => string,
): Segment[] =>
  trackingUids.map((trackingUid, index) => ({
    number: index + 1,
    label: labelOf(index + 1),
    trackingUid,
  }));

/** The slices in which each label is, in their order. */
function slicesOfLabels({ data, size }: Labels): Map<number, number[]> {
  const perSlice = size[0] * size[1];
  const slices = new Map<number, number[]>();
  for (let slice = 0; slice < size[2]; slice++) {
    for (const label of new Set(data.subarray(slice * perSlice, (slice + 1) * perSlice))) {
      if (label > 0) slices.set(label, [...(slices.get(label) ?? []), slice]);
    }
  }
  return slices;
}

interface Content {
  readonly labels: Labels;
  readonly segments: readonly Segment[];
  readonly frames: readonly SegmentFrame[];
  readonly version: string;
}

/** A binary Segmentation (PS3.3, A.51) on the grid of its source. */
function segmentation(source: SourceSeries, kind: Kind, content: Content): DataSet {
  const { slices, size } = source.layout;
  const { labels, segments, frames } = content;
  return {
    ...commonAttributes(source, kind),
    ImageType: ['DERIVED', 'PRIMARY'],
    ContentLabel: 'LESIONS',
    ContentDescription: 'White matter lesions. Not a medical device',
    ContentCreatorName: '',
    FrameOfReferenceUID: source.frameOfReference,
    PositionReferenceIndicator: '',
    ...dimensions(source),
    ReferencedSeriesSequence: [
      { SeriesInstanceUID: source.uid, ReferencedInstanceSequence: imageReferences(source) },
    ],
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: size[1],
    Columns: size[0],
    NumberOfFrames: frames.length,
    BitsAllocated: 1,
    BitsStored: 1,
    HighBit: 0,
    PixelRepresentation: 0,
    ...source.header.lossy,
    BurnedInAnnotation: 'NO',
    SegmentationType: 'BINARY',
    SegmentsOverlap: 'NO',
    SegmentSequence: segments.map((segment) => segmentItem(segment, content.version)),
    SharedFunctionalGroupsSequence: [sharedGroups(source)],
    PerFrameFunctionalGroupsSequence: frames.map(({ segment, slice }) => ({
      FrameContentSequence: [{ DimensionIndexValues: [segment, slice + 1] }],
      PlanePositionSequence: [{ ImagePositionPatient: slices[slice].frame.position }],
      SegmentIdentificationSequence: [{ ReferencedSegmentNumber: segment }],
      DerivationImageSequence: [
        {
          DerivationCodeSequence: [codes.segmentation],
          SourceImageSequence: [
            {
              ...sliceReference(slices[slice]),
              PurposeOfReferenceCodeSequence: [codes.sourceImage],
              SpatialLocationsPreserved: 'YES',
            },
          ],
        },
      ],
    })),
    PixelData: framesAsBits(labels, frames),
  };
}

/** Frames are counted by segment, then by place. */
function dimensions({ uid }: SourceSeries): DataSet {
  const organization = uidOf('dimensions', uid);
  return {
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: organization }],
    DimensionIndexSequence: [
      {
        DimensionOrganizationUID: organization,
        DimensionIndexPointer: tags.ReferencedSegmentNumber[0],
        FunctionalGroupPointer: tags.SegmentIdentificationSequence[0],
        DimensionDescriptionLabel: 'ReferencedSegmentNumber',
      },
      {
        DimensionOrganizationUID: organization,
        DimensionIndexPointer: tags.ImagePositionPatient[0],
        FunctionalGroupPointer: tags.PlanePositionSequence[0],
        DimensionDescriptionLabel: 'ImagePositionPatient',
      },
    ],
  };
}

function segmentItem({ number, label, trackingUid }: Segment, version: string): DataSet {
  return {
    SegmentNumber: number,
    SegmentLabel: label,
    SegmentDescription: notice,
    SegmentAlgorithmType: 'AUTOMATIC',
    SegmentAlgorithmName: 'Dawson',
    SegmentationAlgorithmIdentificationSequence: [
      {
        AlgorithmFamilyCodeSequence: [codes.algorithmFamily],
        AlgorithmName: 'Dawson',
        AlgorithmVersion: version,
      },
    ],
    SegmentedPropertyCategoryCodeSequence: [codes.abnormalStructure],
    SegmentedPropertyTypeCodeSequence: [codes.lesionOfBrain],
    AnatomicRegionSequence: [codes.brain],
    RecommendedDisplayCIELabValue: [57000, 33500, 54500],
    TrackingID: label,
    TrackingUID: trackingUid,
  };
}

function sharedGroups({ layout }: SourceSeries): DataSet {
  const { orientation, spacing, thickness } = layout.slices[0].frame;
  return {
    PlaneOrientationSequence: [{ ImageOrientationPatient: orientation }],
    PixelMeasuresSequence: [
      {
        SliceThickness: thickness ?? layout.stepMm,
        SpacingBetweenSlices: layout.stepMm,
        PixelSpacing: spacing,
      },
    ],
  };
}

/** One bit a pixel from the lowest bit on; frames follow each other without padding (PS3.5, 8.1.1). */
function framesAsBits({ data, size }: Labels, frames: readonly SegmentFrame[]): Uint8Array {
  const perSlice = size[0] * size[1];
  const bits = new Uint8Array(Math.ceil((frames.length * perSlice) / 8));
  let bit = 0;
  for (const { segment, slice } of frames) {
    const end = (slice + 1) * perSlice;
    for (let voxel = slice * perSlice; voxel < end; voxel++, bit++) {
      if (data[voxel] === segment) bits[bit >> 3] |= 1 << (bit & 7);
    }
  }
  return bits;
}
