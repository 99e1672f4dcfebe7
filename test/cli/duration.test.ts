import { describe, expect, it } from 'vitest';
import { durationInWords } from '../../src/cli/duration.js';

describe('durationInWords', () => {
  it.each([
    [0, 'less than a second'],
    [1, '1 second'],
    [59.4, '59 seconds'],
    [59.9, '1 minute'],
    [61, '1 minute and 1 second'],
    [3599, '59 minutes and 59 seconds'],
    [3599.8, '1 hour'],
    [5430, '1 hour and 31 minutes'],
    [86_390, '1 day'],
    [90_000, '1 day and 1 hour'],
    [250_000 * 1.12, '3 days and 6 hours'],
  ])('of %d seconds is %s', (seconds, words) => {
    expect(durationInWords(seconds)).toBe(words);
  });
});
