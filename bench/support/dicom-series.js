import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { voxelSizeMm } from '../../dist/volume/affine.js';

/**
 * Writes a volume of whole numbers from 0 to 65535 as a classic series, a file a slice.
 * @param acquired elements that say how it was acquired: value representation and value by tag
 */
export function writeDicomSeries(volume, folder, { number, acquired }) {
  const { size, affine } = volume;
  const [columnMm, rowMm] = voxelSizeMm(affine);
  const lps = (column) => [-affine[column], -affine[4 + column], affine[8 + column]];
  const unit = (column) => lps(column).map((mm) => mm / Math.hypot(...lps(column)));
  const words = Uint16Array.from(volume.data);
  const perSlice = size[0] * size[1];
  mkdirSync(folder, { recursive: true });
  for (let slice = 0; slice < size[2]; slice++) {
    const position = lps(3).map((mm, axis) => mm + slice * lps(2)[axis]);
    const elements = {
      '00080008': ['CS', 'ORIGINAL\\PRIMARY\\M'],
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.4'],
      '00080018': ['UI', `1.2.3.${number}.${slice + 1}`],
      '00080020': ['DA', '20260131'],
      '00080060': ['CS', 'MR'],
      '00100010': ['PN', 'Demo^Exam'],
      '00100020': ['LO', 'demo'],
      ...acquired,
      '0020000d': ['UI', '1.2.3'],
      '0020000e': ['UI', `1.2.3.${number}`],
      '00200011': ['IS', `${number}`],
      '00200013': ['IS', `${slice + 1}`],
      '00200032': ['DS', texts(position)],
      '00200037': ['DS', texts([...unit(0), ...unit(1)])],
      '00280002': ['US', 1],
      '00280004': ['CS', 'MONOCHROME2'],
      '00280010': ['US', size[1]],
      '00280011': ['US', size[0]],
      '00280030': ['DS', texts([rowMm, columnMm])],
      '00280100': ['US', 16],
      '00280101': ['US', 16],
      '00280102': ['US', 15],
      '00280103': ['US', 0],
      '7fe00010': ['OW', Buffer.from(words.buffer, 2 * slice * perSlice, 2 * perSlice)],
    };
    writeFileSync(join(folder, `slice-${slice}.dcm`), fileBytes(elements));
  }
}

/** Decimal texts have 16 characters at most. */
const texts = (numbers) => numbers.map((value) => value.toFixed(10).slice(0, 16)).join('\\');

function fileBytes(elements) {
  const meta = { '00020010': ['UI', '1.2.840.10008.1.2.1'] };
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), encoded(meta), encoded(elements)]);
}

function encoded(elements) {
  const tags = Object.keys(elements).sort();
  return Buffer.concat(
    tags.flatMap((tag) => {
      const [vr, value] = elements[tag];
      const bytes = valueBytes(vr, value);
      const header = Buffer.alloc(vr === 'OW' ? 12 : 8);
      header.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
      header.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
      header.write(vr, 4, 'latin1');
      if (vr === 'OW') header.writeUInt32LE(bytes.length, 8);
      else header.writeUInt16LE(bytes.length, 6);
      return [header, bytes];
    }),
  );
}

function valueBytes(vr, value) {
  if (vr === 'OW') return value;
  if (vr === 'US') return Buffer.from([value & 255, value >> 8]);
  return Buffer.from(value.length % 2 === 0 ? value : `${value}${vr === 'UI' ? '\0' : ' '}`);
}
