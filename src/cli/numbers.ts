import { InvalidArgumentError } from 'commander';

/** Reads an option that is a whole number in these bounds, both allowed. */
export const wholeNumber =
  (from: number, to = 1e9) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(
      `It is a whole number from ${from}${to < 1e9 ? ` to ${to}` : ''}.`,
    );
  };

/** Reads an option that is a number between two others, neither of them allowed. */
export const between =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value > low && value < high) return value;
    throw new InvalidArgumentError(`It is between ${low} and ${high}.`);
  };

/** Reads an option that is the distance between windows, as a part of the patch. */
export function stepSize(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('It is above 0 and at most 1.');
}

/** Reads an option that is a volume. */
export function volumeMm3(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < Infinity) return value;
  throw new InvalidArgumentError('It is a volume in mm3, 0 or more.');
}
