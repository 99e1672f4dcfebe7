import { changeClasses } from '../../quantify/change.js';
import type { ExamResult } from '../../quantify/read-result.js';
import { changeLegend, shownChanges, withLegend } from '../../report/change-legend.js';
import { outlinedChange } from '../../report/change-outlines.js';
import { changeStyles } from '../../report/change-styles.js';
import { outlinedSlice } from '../../report/outlined-slice.js';
import type { RgbPicture, Window } from '../../report/picture.js';
import { drawSideMarks, isSideLetter } from '../../report/side-marks.js';
import { flairWindow } from '../../report/window.js';
import type { Volume } from '../../volume/volume.js';
import { commonAttributes, type Kind } from './common.js';
import type { DataSet } from './data-set.js';
import { type SourceSeries, sliceReference } from './source-series.js';

/** The slices of the FLAIR with the outlines of the lesions. */
export const lesionPreviews = (
  source: SourceSeries,
  result: ExamResult,
  letters = true,
): DataSet[] => {
  const { flair, lesions } = result;
  return previewSeries(source, result, letters, {
    kind: 'preview',
    text: 'Outlines of lesions on FLAIR. Not a medical device',
    draw: (index, window) =>
      outlinedSlice(valuesOf(flair, index), valuesOf(lesions, index), window),
  });
};

/**
 * The slices of the FLAIR with the outlines of lesions in the colours and with the marks of what became
 * of them; with letters also a legend on the right of the slice.
 * @param map places of {@link changeClasses} from 1 on, on the FLAIR's grid
 */
export const changePreviews = (
  source: SourceSeries,
  result: ExamResult,
  map: Volume<Uint8Array>,
  letters = true,
): DataSet[] => {
  const { flair, lesions } = result;
  const [width, height] = flair.size;
  // Like the measurements, which it stands beside, in English.
  const legend = letters && changeLegend(shownChanges(map, lesions), { width, height }, 'en');
  return previewSeries(source, result, letters, {
    kind: 'changePreview',
    text: changeText,
    draw: (index, window) =>
      outlinedChange(
        {
          flair: valuesOf(flair, index),
          change: valuesOf(map, index),
          lesions: valuesOf(lesions, index),
        },
        window,
      ),
    ...(legend && { legend }),
  });
};

const changeText = `Outlines of lesions on FLAIR: ${changeClasses
  .map((name) => `${changeStyles[name].colourName} ${name}`)
  .join(', ')}. Marks beside them: ${changeClasses
  .filter((name) => changeStyles[name].mark !== 'none')
  .map((name) => `${changeStyles[name].mark} ${name}`)
  .join(', ')}. Dashed: in the previous exam only. Not a medical device`;

interface Preview {
  readonly kind: Kind;
  readonly text: string;
  /** A slice with its outlines, as RGB. */
  readonly draw: (index: number, window: Window) => Uint8Array;
  readonly legend?: RgbPicture;
}

/**
 * The slices of the FLAIR with outlines as Secondary Captures (PS3.3, A.8), one each, on the pixels
 * and at the places of the source. What they have on the right of the slice lies beyond its pixels.
 * @param letters say which side is which
 */
function previewSeries(
  source: SourceSeries,
  { flair, brain }: ExamResult,
  letters: boolean,
  { kind, text, draw, legend }: Preview,
): DataSet[] {
  const [width, height] = flair.size;
  const window = flairWindow(flair, brain);
  const common = commonAttributes(source, kind);
  return source.layout.slices.map((slice, index) => {
    const { position, orientation, spacing, thickness } = slice.frame;
    const rgb = draw(index, window);
    const [right, bottom] = directions(orientation!);
    const left = opposite[right];
    if (letters && isSideLetter(left) && isSideLetter(right)) {
      drawSideMarks(rgb, width, height, [left, right]);
    }
    const picture = withLegend({ rgb, width, height }, legend);
    return {
      ...common,
      InstanceNumber: index + 1,
      ImageType: ['DERIVED', 'SECONDARY'],
      ConversionType: 'WSD',
      // Which says whether a patient and a date are to be read (PS3.3, C.7.6.1.1): a legend is not.
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
      Rows: picture.height,
      Columns: picture.width,
      BitsAllocated: 8,
      BitsStored: 8,
      HighBit: 7,
      PixelRepresentation: 0,
      PixelData: picture.rgb,
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
