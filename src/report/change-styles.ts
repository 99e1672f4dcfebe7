import { type ChangeClass, changeClasses } from '../quantify/change.js';
import type { Glyph } from './glyph.js';
import type { Colour } from './outlined-slice.js';

/** How previews show what became of a lesion. */
export interface ChangeStyle {
  /** The outline's; people with colour blindness tell them apart (Okabe and Ito 2008). */
  readonly colour: Colour;
  readonly colourName: string;
  /** What is drawn beside it, so that no class is told by its colour alone. */
  readonly mark: keyof typeof changeMarks | 'none';
}

/** Signs, not letters: pictures of exams that nobody is to be known by have none. */
export const changeMarks = {
  plus: { columns: 5, rows: [0b00100, 0b00100, 0b11111, 0b00100, 0b00100] },
  cross: { columns: 5, rows: [0b10001, 0b01010, 0b00100, 0b01010, 0b10001] },
  'upward triangle': { columns: 5, rows: [0b00000, 0b00100, 0b01110, 0b11111, 0b00000] },
  'downward triangle': { columns: 5, rows: [0b00000, 0b11111, 0b01110, 0b00100, 0b00000] },
  diamond: { columns: 5, rows: [0b00100, 0b01010, 0b10001, 0b01010, 0b00100] },
} as const satisfies Record<string, Glyph>;

/** One row a class; adding one is adding a row. */
export const changeStyles = {
  new: { colour: [213, 94, 0], colourName: 'vermilion', mark: 'plus' },
  enlarged: { colour: [230, 159, 0], colourName: 'orange', mark: 'upward triangle' },
  shrunken: { colour: [86, 180, 233], colourName: 'light blue', mark: 'downward triangle' },
  disappeared: { colour: [0, 158, 115], colourName: 'green', mark: 'cross' },
  stable: { colour: [240, 228, 66], colourName: 'yellow', mark: 'none' },
  uncertain: { colour: [204, 121, 167], colourName: 'pink', mark: 'diamond' },
} as const satisfies Record<ChangeClass, ChangeStyle>;

/** The style of a number of `change.nii.gz`, from 1 on. */
export const styleOf = (value: number): ChangeStyle => changeStyles[changeClasses[value - 1]];

/** The numbers of the classes that a slice has, the smallest first. */
export const classesIn = (values: Float32Array): number[] =>
  changeClasses.map((_, at) => at + 1).filter((value) => values.includes(value));

/** Side of a pixel of marks and legends in a picture of this size: larger in larger pictures. */
export const markScale = (width: number, height: number) =>
  Math.max(1, Math.round(Math.min(width, height) / 256));
