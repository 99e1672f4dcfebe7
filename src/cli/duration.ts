const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** A length of time in the two largest units that it has, such as '2 days and 3 hours'; rounded to these. */
export function durationInWords(seconds: number): string {
  const first = units.findIndex(([, length]) => Math.round(seconds) >= length);
  if (first < 0) return 'less than a second';
  const [, length] = units[first];
  const finest = units[first + 1]?.[1] ?? length;
  const rounded = Math.round(seconds / finest) * finest;
  // 59.7 minutes are an hour.
  if (first > 0 && rounded >= units[first - 1][1]) return durationInWords(rounded);
  const parts = [
    [Math.floor(rounded / length), units[first][0]],
    [Math.round((rounded % length) / finest), units[first + 1]?.[0]],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`)
    .join(' and ');
}
