import { type ChangeClass, changeClasses } from '../quantify/change.js';
import type { Language } from '../remarks.js';
import { drawDashes } from './change-outlines.js';
import { changeMarks, changeStyles, markScale } from './change-styles.js';
import { phrasesIn } from './clinical/texts.js';
import { drawGlyph } from './glyph.js';
import { type Colour, type Pixels, rimOf } from './outlined-slice.js';
import { type RgbPicture, svgPicture } from './picture.js';

/** Lengths in pixels of a legend at scale 1. */
const row = { height: 17, font: 11, baseline: 12 } as const;
const sample = { left: 5, top: 5, side: 7 } as const;
const mark = { left: 17, top: 5 } as const;
const text = { left: 28, most: 300, margin: 6 } as const;

/** An outline that belongs to no class. */
const neutral: Colour = [255, 255, 255];
const lesionGrey = 170;

/** What a legend explains. */
export interface ShownChanges {
  /** In the order of {@link changeClasses}. */
  readonly classes: readonly ChangeClass[];
  /** Whether something is outlined that only the previous exam has. */
  readonly hasPrevious: boolean;
}

/** What pictures of an exam show; both volumes on one grid. */
export function shownChanges(
  change: { readonly data: ArrayLike<number> },
  lesions: { readonly data: ArrayLike<number> },
): ShownChanges {
  const present = new Set<number>();
  let hasPrevious = false;
  for (let voxel = 0; voxel < change.data.length; voxel++) {
    const value = change.data[voxel];
    if (value === 0) continue;
    present.add(value);
    hasPrevious ||= lesions.data[voxel] === 0;
  }
  return { classes: changeClasses.filter((_, at) => present.has(at + 1)), hasPrevious };
}

/** The same for a machine: how each class is shown, and in which word of the report. */
export function describedChanges({ classes, hasPrevious }: ShownChanges, language: Language) {
  const phrases = phrasesIn(language);
  return {
    classes: classes.map((name) => ({
      class: name,
      text: phrases.text(name),
      colour: changeStyles[name].colour,
      mark: changeStyles[name].mark,
    })),
    ...(hasPrevious && { dashed: phrases.text('previousExam') }),
  };
}

/**
 * What outlines and marks mean, in words of the report, for a slice of this size: a row a class, and
 * one for dashes where there are any; undefined where nothing is shown. Nothing about the patient.
 */
export function changeLegend(
  { classes, hasPrevious }: ShownChanges,
  slice: Pick<RgbPicture, 'width' | 'height'>,
  language: Language,
): RgbPicture | undefined {
  if (classes.length === 0) return undefined;
  const scale = markScale(slice.width, slice.height);
  const phrases = phrasesIn(language);
  const words = [
    ...classes.map((name) => phrases.text(name)),
    ...(hasPrevious ? [phrases.text('previousExam')] : []),
  ];
  const picture = textRows(words, scale);
  for (const [at, name] of classes.entries()) {
    const { colour, mark: sign } = changeStyles[name];
    const top = at * row.height * scale;
    const block = drawSample(picture, top, scale);
    if (name === 'disappeared') drawDashes(picture.rgb, block, colour, () => true);
    else for (const [pixel] of rimOf(block)) picture.rgb.set(colour, 3 * pixel);
    if (sign === 'none') continue;
    const place = [mark.left * scale, top + mark.top * scale] as const;
    drawGlyph(picture, changeMarks[sign], place, scale, colour);
  }
  if (hasPrevious) {
    const block = drawSample(picture, classes.length * row.height * scale, scale);
    drawDashes(picture.rgb, block, neutral, () => true);
  }
  return picture;
}

/** A picture with a legend, where there is one, on its right, from the top; black where neither is. */
export function withLegend(picture: RgbPicture, legend: RgbPicture | undefined): RgbPicture {
  if (legend === undefined) return picture;
  const width = picture.width + legend.width;
  const height = Math.max(picture.height, legend.height);
  const rgb = new Uint8Array(3 * width * height);
  for (const [{ rgb: from, ...part }, left] of [
    [picture, 0] as const,
    [legend, picture.width] as const,
  ]) {
    for (let y = 0; y < part.height; y++) {
      rgb.set(from.subarray(3 * y * part.width, 3 * (y + 1) * part.width), 3 * (y * width + left));
    }
  }
  return { rgb, width, height };
}

/** Rows of words in white on black, as wide as they need. */
function textRows(words: readonly string[], scale: number): RgbPicture {
  const [most, height] = [(text.left + text.most) * scale, words.length * row.height * scale];
  const lines = words.map(
    (word, at) =>
      `<text x="${text.left}" y="${at * row.height + row.baseline}" font-size="${row.font}" ` +
      `font-family="DejaVu Sans" fill="#fff">${word}</text>`,
  );
  const drawn = svgPicture(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${most}" height="${height}">` +
      `<rect width="100%" height="100%" fill="#000"/><g transform="scale(${scale})">${lines.join('')}</g></svg>`,
  );
  let last = 0;
  for (let at = 0; at < drawn.rgb.length; at++) {
    if (drawn.rgb[at] !== 0) last = Math.max(last, Math.floor(at / 3) % most);
  }
  return cropped(drawn, last + 1 + text.margin * scale);
}

function cropped({ rgb, width: from, height }: RgbPicture, width: number): RgbPicture {
  const part = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    part.set(rgb.subarray(3 * y * from, 3 * (y * from + Math.min(width, from))), 3 * y * width);
  }
  return { rgb: part, width, height };
}

/** Draws a lesion for a row; gives what of the picture it is, as 1 and 0. */
function drawSample({ rgb, width, height }: RgbPicture, top: number, scale: number): Pixels {
  const values = new Float32Array(width * height);
  for (let y = 0; y < sample.side * scale; y++) {
    for (let x = 0; x < sample.side * scale; x++) {
      const pixel = (top + sample.top * scale + y) * width + sample.left * scale + x;
      values[pixel] = 1;
      rgb.fill(lesionGrey, 3 * pixel, 3 * pixel + 3);
    }
  }
  return { values, width, height };
}
