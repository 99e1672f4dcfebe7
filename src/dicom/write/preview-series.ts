import type { ExamResult } from '../../quantify/read-result.js';
import { outlinedSlice } from '../../report/preview.js';
import { drawSideMarks, isSideLetter } from '../../report/side-marks.js';
import { flairWindow } from '../../report/window.js';
import type { Mask, Volume } from '../../volume/volume.js';
import { commonAttributes } from './common.js';
import type { DataSet } from './data-set.js';
import { type SourceSeries, sliceReference } from './source-series.js';

/**
 * The slices of the FLAIR with the outlines of the lesions as Secondary Captures (PS3.3, A.8), one
 * each, on the pixels and at the places of the source.
 */
export function previewSeries(
  source: SourceSeries,
  { flair, lesions, brain }: ExamResult,
): DataSet[] {
  const [width, height] = flair.size;
  const window = flairWindow(flair, brain);
  const common = commonAttributes(source, 'preview');
  return source.layout.slices.map((slice, index) => {
    const { position, orientation, spacing, thickness } = slice.frame;
    const picture = outlinedSlice(valuesOf(flair, index), valuesOf(lesions, index), window);
    const [right, bottom] = directions(orientation!);
    const left = opposite[right];
    if (isSideLetter(left) && isSideLetter(right)) {
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
      DerivationDescription: 'Outlines of lesions on FLAIR. Not a medical device',
      SourceImageSequence: [sliceReference(slice)],
      LossyImageCompression: '00',
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
function valuesOf({ data, size }: Volume | Mask, index: number) {
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
