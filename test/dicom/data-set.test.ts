import { describe, expect, it } from 'vitest';
import { parseDicom } from '../../src/dicom/parse.js';
import { decimalText, dicomFile } from '../../src/dicom/write/data-set.js';
import { uidOf } from '../../src/dicom/write/identifiers.js';
import { tags } from '../../src/dicom/write/tags.js';

describe('written elements', () => {
  it('have tags of their own', () => {
    const all = Object.values(tags).map(([tag]) => tag);
    expect(new Set(all).size).toBe(all.length);
    expect(all.every((tag) => /^[0-9a-f]{8}$/.test(tag))).toBe(true);
  });

  it('are read back, in the order of their tags', () => {
    const file = dicomFile({
      PixelData: Uint8Array.of(1, 2, 3),
      PatientName: 'Wang^XiaoDong=王^小东',
      SOPClassUID: '1.2.3',
      SOPInstanceUID: '1.2.4',
      SpecificCharacterSet: 'ISO_IR 192',
      Rows: 513,
      EncapsulatedDocumentLength: 70_000,
      ImagePositionPatient: [-1.5, 0, 1e-7],
      SegmentSequence: [{ SegmentNumber: 7 }, {}],
      PerformedProcedureCodeSequence: [],
      StudyID: '',
      StudyTime: undefined,
    });
    const { attributes, syntax, pixelData } = parseDicom(file, 'file', { withPixels: true })!;
    expect(syntax.encoding).toBe('native');
    expect(Object.keys(attributes.elements)).toEqual(Object.keys(attributes.elements).sort());
    expect(attributes.written('x00100010', 'PN')).toBe('Wang^XiaoDong=王^小东');
    expect(attributes.unsignedShort('x00280010')).toBe(513);
    expect(attributes.unsignedLong('x00420015')).toBe(70_000);
    expect(attributes.decimals('x00200032')).toEqual([-1.5, 0, 1e-7]);
    expect(attributes.items('x00620002').map((item) => item.unsignedShort('x00620004'))).toEqual([
      7,
      undefined,
    ]);
    expect(attributes.items('x0040a372')).toEqual([]);
    expect(attributes.elements.x00200010?.length).toBe(0);
    expect(attributes.has('x00080030')).toBe(false);
    expect(pixelData?.length).toBe(4);
    expect(file.length % 2).toBe(0);
  });

  it.each([
    [0.1 + 0.2, '0.3'],
    [-0.12345678901234, '-0.1234567890123'],
    [-1.234567890123e-10, '-1.234567890e-10'],
    [1e21, '1e+21'],
    [512, '512'],
  ])('write %f as a decimal text', (value, expected) => {
    expect(Number(decimalText(value))).toBe(Number(expected));
    expect(decimalText(value).length).toBeLessThanOrEqual(16);
  });

  it('have identifiers of at most 64 characters, the same for the same texts', () => {
    expect(uidOf('a', 'b')).toBe(uidOf('a', 'b'));
    expect(uidOf('a', 'b')).not.toBe(uidOf('ab'));
    expect(uidOf('a')).toMatch(/^2\.25\.[1-9]\d{36,38}$/);
  });
});
