import { describe, expect, it } from 'vitest';
import { yearsBefore } from '../../src/gateway/years-before.js';

describe('yearsBefore', () => {
  it.each([
    ['20260131', 10, '20160131'],
    ['20260131', 0, '20260131'],
    ['20260131', 0.5, '20250801'],
    ['20240229', 1, '20230301'],
  ])('is a date of the calendar: %s, %f years', (date, years, expected) => {
    expect(yearsBefore(date, years)).toBe(expected);
  });
});
