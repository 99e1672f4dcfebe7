/** Why figures are undefined, by the name of the figure. */
export type Undefined = Record<string, string>;

/** `part / whole`, or null with the reason noted under the figure's name when `whole` is 0. */
export function ratio(
  name: string,
  part: number,
  whole: number,
  reason: string,
  undefinedFigures: Undefined,
): number | null {
  if (whole !== 0) return part / whole;
  undefinedFigures[name] = reason;
  return null;
}
