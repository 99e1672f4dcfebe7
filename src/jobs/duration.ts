import { counted } from '../counted.js';

/** Units of time in seconds, the longest first. */
const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** How long something takes, for people: "about 33 days", "about 1.5 hours". */
export function durationInWords(seconds: number): string {
  const [name, length] = units.find(([, length]) => seconds >= length) ?? units[3];
  const count = seconds / length;
  const rounded = count < 10 && length >= 3600 ? Number(count.toFixed(1)) : Math.ceil(count);
  return `about ${counted(rounded, name)}`;
}
