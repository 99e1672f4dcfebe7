/** A number with its noun, such as "1 case", "12 cases", "1,200 steps". */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`;
