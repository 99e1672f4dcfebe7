import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileBytes, placeOf } from '../../scripts/dicom-writer.js';

/**
 * Writes a volume of whole numbers from 0 to 65535 as a classic series, a file a slice.
 * @param acquired elements that say how it was acquired: value representation and value by tag
 */
export function writeDicomSeries(volume, folder, { number, acquired, study = '1.2.3' }) {
  const { size } = volume;
  const { orientation, spacing, positionOf } = placeOf(volume);
  const words = Uint16Array.from(volume.data);
  const perSlice = size[0] * size[1];
  mkdirSync(folder, { recursive: true });
  for (let slice = 0; slice < size[2]; slice++) {
    const elements = {
      '00080008': ['CS', 'ORIGINAL\\PRIMARY\\M'],
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.4'],
      '00080018': ['UI', `${study}.${number}.${slice + 1}`],
      '00080020': ['DA', '20260131'],
      '00080060': ['CS', 'MR'],
      '00100010': ['PN', 'Demo^Exam'],
      '00100020': ['LO', 'demo'],
      ...acquired,
      '0020000d': ['UI', study],
      '0020000e': ['UI', `${study}.${number}`],
      '00200011': ['IS', `${number}`],
      '00200013': ['IS', `${slice + 1}`],
      '00200032': ['DS', positionOf(slice)],
      '00200037': ['DS', orientation],
      '00280002': ['US', 1],
      '00280004': ['CS', 'MONOCHROME2'],
      '00280010': ['US', size[1]],
      '00280011': ['US', size[0]],
      '00280030': ['DS', spacing],
      '00280100': ['US', 16],
      '00280101': ['US', 16],
      '00280102': ['US', 15],
      '00280103': ['US', 0],
      '7fe00010': ['OW', Buffer.from(words.buffer, 2 * slice * perSlice, 2 * perSlice)],
    };
    writeFileSync(join(folder, `slice-${slice}.dcm`), fileBytes(elements));
  }
}
