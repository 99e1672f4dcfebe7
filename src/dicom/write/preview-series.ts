import { changeClasses } from '../../quantify/change.js';
import type { ExamResult } from '../../quantify/read-result.js';
import { type Colour, outlinedSlice } from '../../report/preview.js';
import { drawSideMarks, isSideLetter } from '../../report/side-marks.js';
import { flairWindow } from '../../report/window.js';
import type { Volume } from '../../volume/volume.js';
import { commonAttributes, type Kind } from './common.js';
import type { DataSet } from './data-set.js';
import { type SourceSeries, sliceReference } from './source-series.js';

/** Colours of the outlines by change class; people with colour blindness tell them apart (Okabe and Ito 2008). */
const changeColours = {
  new: { name: 'vermilion', rgb: [213, 94, 0] },
  enlarged: { name: 'orange', rgb: [230, 159, 0] },
  shrunken: { name: 'light blue', rgb: [86, 180, 233] },
  disappeared: { name: 'green', rgb: [0, 158, 115] },
  stable: { name: 'yellow', rgb: [240, 228, 66] },
  uncertain: { name: 'pink', rgb: [204, 121, 167] },
} as const satisfies Record<(typeof changeClasses)[number], { name: string; rgb: Colour }>;

/** The slices of the FLAIR with the outlines of the lesions. */
export const lesionPreviews = (source: SourceSeries, result: ExamResult, marks = true): DataSet[] =>
  previewSeries(source, result, {
    kind: 'preview',
    labels: result.lesions,
    text: 'Outlines of lesions on FLAIR. Not a medical device',
    marks,
  });

/**
 * The slices of the FLAIR with the outlines of lesions in the colours of what became of them.
 * @param map places of {@link changeClasses} from 1 on, on the FLAIR's grid
 */
export const changePreviews = (
  source: SourceSeries,
  result: ExamResult,
  map: Volume<Uint8Array>,
  marks = true,
): DataSet[] =>
  previewSeries(source, result, {
    kind: 'changePreview',
    labels: map,
    text: `Outlines of lesions on FLAIR: ${changeClasses
      .map((name) => `${changeColours[name].name} ${name}`)
      .join(', ')}. Not a medical device`,
    colours: changeClasses.map((name) => changeColours[name].rgb),
    marks,
  });

interface Preview {
  readonly kind: Kind;
  readonly labels: Volume;
  readonly text: string;
  readonly colours?: readonly Colour[];
  /** Letters say which side is which. */
  readonly marks: boolean;
}

/**
 * The slices of the FLAIR with outlines as Secondary Captures (PS3.3, A.8), one each, on the pixels
 * and at the places of the source.
 */
function previewSeries(
  source: SourceSeries,
  { flair, brain }: ExamResult,
  { kind, labels, text, colours, marks }: Preview,
): DataSet[] {
  const [width, height] = flair.size;
  const window = flairWindow(flair, brain);
  const common = commonAttributes(source, kind);
  return source.layout.slices.map((slice, index) => {
    const { position, orientation, spacing, thickness } = slice.frame;
    const picture = outlinedSlice(valuesOf(flair, index), valuesOf(labels, index), window, colours);
    const [right, bottom] = directions(orientation!);
    const left = opposite[right];
    if (marks && isSideLetter(left) && isSideLetter(right)) {
      drawSideMarks(picture, width, height, [left, right]);
    }
    return {
      ...common,
      InstanceNumber: index + 1,
      ImageType: ['DERIVED', 'SECONDARY'],
      ConversionType: 'WSD',
      BurnedInAnnotation: 'NO',
      BodyPartExamined: 'BRAIN',
      PatientOrientation: [right, bottom],
      FrameOfReferenceUID: source.frameOfReference,
      PositionReferenceIndicator: '',
      ImagePositionPatient: position,
      ImageOrientationPatient: orientation,
      PixelSpacing: spacing,
      SliceThickness: thickness ?? source.layout.stepMm,
      DerivationDescription: text,
      ImageComments: text,
      SourceImageSequence: [sliceReference(slice)],
      ...source.header.lossy,
      SamplesPerPixel: 3,
      PhotometricInterpretation: 'RGB',
      PlanarConfiguration: 0,
      Rows: height,
      Columns: width,
      BitsAllocated: 8,
      BitsStored: 8,
      HighBit: 7,
      PixelRepresentation: 0,
      PixelData: picture,
    };
  });
}

/** The numbers of one slice, row by row as in the source. */
function valuesOf({ data, size }: Volume, index: number) {
  const [width, height] = size;
  const start = index * width * height;
  return { values: Float32Array.from(data.subarray(start, start + width * height)), width, height };
}

const opposite: Readonly<Record<string, string>> = {
  L: 'R',
  R: 'L',
  P: 'A',
  A: 'P',
  H: 'F',
  F: 'H',
};

/** The sides of the person that rows and columns run to: that of the largest component, LPS. */
function directions(orientation: readonly number[]): string[] {
  const [along, down] = [orientation.slice(0, 3), orientation.slice(3)];
  return [along, down].map((direction) => {
    const sizes = direction.map(Math.abs);
    const axis = sizes.indexOf(Math.max(...sizes));
    return direction[axis] > 0 ? 'LPH'[axis] : 'RAF'[axis];
  });
}
