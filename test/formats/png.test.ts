import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { encodePng } from '../../src/formats/png.js';

describe('encodePng', () => {
  const rgb = Uint8Array.from({ length: 5 * 3 * 3 }, (_, index) => (index * 37) % 256);

  it('keeps size and colours', () => {
    const decoded = decode(encodePng(rgb, 5, 3));
    expect([decoded.width, decoded.height, decoded.channels]).toEqual([5, 3, 3]);
    expect(Array.from(decoded.data)).toEqual(Array.from(rgb));
  });

  it('gives the same bytes for the same picture', () => {
    expect(encodePng(rgb, 5, 3)).toEqual(encodePng(rgb.slice(), 5, 3));
  });

  it('refuses bytes that do not fit the size', () => {
    expect(() => encodePng(rgb, 5, 4)).toThrow(RangeError);
  });
});
