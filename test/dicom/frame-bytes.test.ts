import { expect, it } from 'vitest';
import { frameBytes } from '../../src/dicom/frame-bytes.js';
import type { PixelFormat } from '../../src/dicom/instance.js';
import type { ParsedFile } from '../../src/dicom/parse.js';

const fragment = (position: number, offset: number) => ({ position, offset, length: 2 });

it('a frame is none where the offset table points between the fragments', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const parsed = (basicOffsetTable: number[]) =>
    ({
      attributes: { bytes },
      syntax: { encoding: 'rle' },
      pixelData: {
        fragments: [fragment(0, 0), fragment(2, 10), fragment(4, 20)],
        basicOffsetTable,
      },
    }) as unknown as ParsedFile;
  const frame = (table: number[], at: number) =>
    frameBytes(parsed(table), {} as PixelFormat, at, 2)?.join();
  expect([frame([0, 10], 0), frame([0, 10], 1)]).toEqual(['1,2', '3,4,5,6']);
  expect([frame([0, 11], 0), frame([0, 11], 1)]).toEqual([undefined, undefined]);
});
