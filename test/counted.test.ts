import { expect, it } from 'vitest';
import { counted } from '../src/counted.js';

it.each([
  [0, 'case', undefined, '0 cases'],
  [1, 'case', undefined, '1 case'],
  [1200, 'pass', 'passes', '1,200 passes'],
] as const)('counts %s %s', (count, noun, plural, words) => {
  expect(counted(count, noun, plural)).toBe(words);
});
