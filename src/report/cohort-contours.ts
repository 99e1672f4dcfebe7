import type { EvaluatedCase } from '../evaluate/index.js';
import { marksLesion } from '../evaluate/masks.js';
import { imagesIn, throwProblems } from '../evaluate/match-files.js';
import { readLabels, readVolume } from '../formats/index.js';
import { reorient } from '../volume/reorient.js';
import { resample } from '../volume/resample.js';
import { countNonZero, type Mask, maskWhere, type Volume } from '../volume/volume.js';
import type { Figure } from './cohort-charts.js';
import { sliceAsDataUrl } from './picture.js';
import { outlinePath, type Slice, sliceOf } from './slice.js';
import { escapeHtml } from './table.js';
import { flairWindow } from './window.js';

/** One case of the figure: its images, and what is said above it. */
export interface ContourCase {
  readonly heading: string;
  readonly flair: string;
  readonly reference: string;
  readonly prediction: string;
}

export const contourColours = { reference: '#00c8ff', prediction: '#ff5a1f' } as const;
const panelPx = 300;
const headingPx = 24;
const gapPx = 6;

/**
 * Figure 1: for each case the axial slice with most lesion, plain, and with the contours of the
 * reference and of the prediction. Masks are brought to the FLAIR's grid by nearest voxels.
 * Radiological convention: the person's right is on the left.
 */
export async function contourFigure(cases: readonly ContourCase[]): Promise<Figure> {
  const rows: string[] = [];
  for (const [row, contourCase] of cases.entries()) {
    const top = row * (panelPx + headingPx + gapPx);
    rows.push(await caseRow(contourCase, top));
  }
  const width = 2 * panelPx + gapPx;
  const height = cases.length * (panelPx + headingPx + gapPx);
  return {
    name: 'figure-1-contours',
    caption:
      'Figure 1: The axial slice with most lesion, without and with the contours of the reference ' +
      '(blue) and of the prediction (orange). The person’s right is on the left.',
    svg:
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="#fff"/>` +
      `${rows.join('')}</svg>`,
  };
}

async function caseRow(contourCase: ContourCase, top: number): Promise<string> {
  const flair = reorient((await readVolume(contourCase.flair)).volume);
  const reference = await maskOn(flair, contourCase.reference);
  const prediction = await maskOn(flair, contourCase.prediction);
  const head = maskWhere(flair, (value) => value > 0);
  const window = flairWindow(flair, head);
  const slice = fullestSlice(reference, prediction);
  const picture = sliceOf(flair, 'axial', slice);
  const { pixelWidthMm, pixelHeightMm } = picture;
  const box = boxOf(sliceOf(head, 'axial', slice));
  const scale = panelPx / Math.max(box.columns * pixelWidthMm, box.rows * pixelHeightMm);
  const [scaleX, scaleY] = [pixelWidthMm * scale, pixelHeightMm * scale];
  const image =
    `<image width="${(picture.width * scaleX).toFixed(3)}" ` +
    `height="${(picture.height * scaleY).toFixed(3)}" ` +
    `preserveAspectRatio="none" href="${sliceAsDataUrl(picture, window)}"/>`;
  // The reference lies wider below the prediction, so that both show where they are the same.
  const outline = (mask: Mask, colour: string, widthPx: number) =>
    `<path d="${outlinePath(sliceOf(mask, 'axial', slice), scaleX, scaleY)}" ` +
    `fill="none" stroke="${colour}" stroke-width="${widthPx}" stroke-linecap="square"/>`;
  const contours =
    outline(reference, contourColours.reference, 2.6) +
    outline(prediction, contourColours.prediction, 1.1);
  const dx = (panelPx - box.columns * scaleX) / 2 - box.column * scaleX;
  const dy = (panelPx - box.rows * scaleY) / 2 - box.row * scaleY;
  const panel = (column: number, content: string) =>
    `<svg x="${column * (panelPx + gapPx)}" y="${top + headingPx}" width="${panelPx}" ` +
    `height="${panelPx}"><rect width="100%" height="100%" fill="#000"/>` +
    `<g transform="translate(${dx.toFixed(3)} ${dy.toFixed(3)})">${content}</g>` +
    `${label('R', 6, 18)}${label('L', panelPx - 16, 18)}</svg>`;
  return (
    `<text x="0" y="${top + headingPx - 7}" font-family="DejaVu Sans" font-size="13">` +
    `${escapeHtml(contourCase.heading)}</text>${panel(0, image)}${panel(1, image + contours)}`
  );
}

const label = (text: string, x: number, y: number) =>
  `<text x="${x}" y="${y}" font-family="DejaVu Sans" font-size="13" fill="#fff">${text}</text>`;

/** Columns and rows of a slice that are not 0, with a margin; the whole slice when it is empty. */
function boxOf({ values, width, height }: Slice) {
  const margin = 4;
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (values[row * width + column] === 0) continue;
      left = Math.min(left, column);
      right = Math.max(right, column);
      top = Math.min(top, row);
      bottom = row;
    }
  }
  if (right < 0) return { column: 0, row: 0, columns: width, rows: height };
  return {
    column: left - margin,
    row: top - margin,
    columns: right - left + 1 + 2 * margin,
    rows: bottom - top + 1 + 2 * margin,
  };
}

async function maskOn(flair: Volume, file: string): Promise<Mask> {
  const { volume } = await readLabels(file);
  return maskWhere(resample(volume, flair, { interpolation: 'nearest' }), marksLesion);
}

/**
 * Figure 1 of a cohort: the cases with the lowest, the middle and the highest DSC among those with a
 * FLAIR image.
 * @throws DawsonError `inputs-conflict` when no case has one.
 */
export async function contoursOfCohort(
  cases: readonly EvaluatedCase[],
  folders: { readonly references: string; readonly predictions: string; readonly flairs: string },
): Promise<Figure> {
  const flairs = (await imagesIn(folders.flairs)).images;
  const references = (await imagesIn(folders.references)).images;
  const predictions = (await imagesIn(folders.predictions)).images;
  const ordered = cases
    .filter(({ id, evaluation }) => flairs.has(id) && evaluation.dsc !== null)
    .sort((a, b) => a.evaluation.dsc! - b.evaluation.dsc! || (a.id < b.id ? -1 : 1));
  throwProblems(
    ordered.length > 0 ? [] : [`no case has a FLAIR image in ${folders.flairs}`],
    'FLAIR images named as the masks',
  );
  const last = ordered.length - 1;
  const chosen = [...new Set([0, Math.floor(last / 2), last])].map((index) => ordered[index]);
  return contourFigure(
    chosen.map(({ id, evaluation }) => ({
      heading: `${id}: DSC ${evaluation.dsc!.toFixed(2)}`,
      flair: flairs.get(id)!,
      reference: references.get(id)!,
      prediction: predictions.get(id)!,
    })),
  );
}

/** The axial slice with most voxels of either mask; the middle one when there are none. */
function fullestSlice(reference: Mask, prediction: Mask): number {
  const [nx, ny, nz] = reference.size;
  let best = Math.floor(nz / 2);
  let most = 0;
  for (let k = 0; k < nz; k++) {
    const slice = (mask: Mask) => mask.data.subarray(k * nx * ny, (k + 1) * nx * ny);
    const voxels = countNonZero(slice(reference)) + countNonZero(slice(prediction));
    if (voxels > most) [best, most] = [k, voxels];
  }
  return best;
}
