import { voxelSizeMm } from '../../src/volume/affine.js';
import type { Volume } from '../../src/volume/volume.js';
import { type DicomElements, type DicomOptions, dicomBytes } from './dicom-writer.js';

export const mrImage = '1.2.840.10008.5.1.4.1.1.4';
export const enhancedMrImage = '1.2.840.10008.5.1.4.1.1.4.1';

/** A series to be made. Lengths in mm, times in ms. */
export interface SeriesSpec {
  readonly number: number;
  readonly description?: string;
  readonly slices?: number;
  readonly stepMm?: number;
  readonly rows?: number;
  readonly columns?: number;
  readonly pixelMm?: number;
  readonly plane?: 'axial' | 'sagittal' | 'coronal';
  readonly tr?: number;
  readonly te?: number;
  readonly ti?: number;
  readonly flip?: number;
  readonly sequence?: string;
  readonly variant?: string;
  readonly dimensions?: '2D' | '3D';
  readonly imageType?: string;
  readonly agent?: string;
  readonly study?: string;
  readonly patient?: string;
  /** Put over those of every slice. */
  readonly elements?: DicomElements;
  /** Put over those of one slice, counted from 0. */
  readonly ofSlice?: (slice: number) => DicomElements;
}

/** Directions of rows and columns, and of the slices. */
const planes = {
  axial: { orientation: [1, 0, 0, 0, 1, 0], normal: [0, 0, 1] },
  sagittal: { orientation: [0, 1, 0, 0, 0, -1], normal: [-1, 0, 0] },
  coronal: { orientation: [1, 0, 0, 0, 0, -1], normal: [0, 1, 0] },
} as const;

/** Value of a voxel of a made series: all differ within a slice, and from slice to slice. */
export const madeValue = (column: number, row: number, slice: number) =>
  100 * slice + 10 * row + column;

/** The elements of one slice of a series; with pixel data of 16 bits. */
export function sliceElements(spec: SeriesSpec, slice: number): DicomElements {
  const {
    rows = 4,
    columns = 4,
    pixelMm = 50,
    plane = 'axial',
    stepMm = 5,
    te,
    study = '1.2.3',
  } = spec;
  const { orientation, normal } = planes[plane];
  const texts: Readonly<Record<string, readonly [string, string | number | undefined]>> = {
    '00080008': ['CS', spec.imageType ?? 'ORIGINAL\\PRIMARY\\M'],
    '0008103e': ['LO', spec.description],
    '00180010': ['LO', spec.agent],
    '00180020': ['CS', spec.sequence ?? 'SE'],
    '00180021': ['CS', spec.variant],
    '00180023': ['CS', spec.dimensions],
    '00180080': ['DS', spec.tr],
    '00180081': ['DS', te],
    '00180082': ['DS', spec.ti],
    '00181314': ['DS', spec.flip],
  };
  const known = Object.entries(texts).filter(([, [, value]]) => value !== undefined);
  return {
    '00080016': ['UI', mrImage],
    '00080018': ['UI', `${study}.${spec.number}.${slice + 1}`],
    '00080020': ['DA', '20260131'],
    '00080060': ['CS', 'MR'],
    '00080070': ['LO', 'Made'],
    '00100010': ['PN', 'Doe^Jane'],
    '00100020': ['LO', spec.patient ?? 'P1'],
    '0020000d': ['UI', study],
    '0020000e': ['UI', `${study}.${spec.number}`],
    '00200011': ['IS', spec.number],
    '00200013': ['IS', slice + 1],
    '00200032': ['DS', normal.map((share) => share * slice * stepMm - 60)],
    '00200037': ['DS', [...orientation]],
    '00200052': ['UI', `${study}.99`],
    '00280002': ['US', 1],
    '00280004': ['CS', 'MONOCHROME2'],
    '00280010': ['US', rows],
    '00280011': ['US', columns],
    '00280030': ['DS', [pixelMm, pixelMm]],
    '00280100': ['US', 16],
    '00280101': ['US', 16],
    '00280102': ['US', 15],
    '00280103': ['US', 0],
    '7fe00010': ['OW', pixelBytes(rows, columns, slice)],
    ...(Object.fromEntries(known) as DicomElements),
    ...spec.elements,
    ...spec.ofSlice?.(slice),
  };
}

export function pixelBytes(rows: number, columns: number, slice: number): Buffer {
  const bytes = Buffer.alloc(2 * rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      bytes.writeUInt16LE(madeValue(column, row, slice), 2 * (row * columns + column));
    }
  }
  return bytes;
}

/** The files of a series, one a slice. */
export function seriesFiles(spec: SeriesSpec, options: DicomOptions = {}): Buffer[] {
  const { slices = 30 } = spec;
  return Array.from({ length: slices }, (_, slice) =>
    dicomBytes(sliceElements(spec, slice), options),
  );
}

/** The same slices as one enhanced multi-frame object, its frames in another order. */
export function enhancedFile(spec: SeriesSpec, options: DicomOptions = {}): Buffer {
  const { slices = 30, rows = 4, columns = 4, te = 100, tr = 9000, ti } = spec;
  const order = Array.from({ length: slices }, (_, at) => (at * 7) % slices);
  const { '00200032': _position, ...first } = sliceElements(spec, 0);
  const moved = ['00180080', '00180081', '00180082', '00200037', '00280030', '00180020'];
  const top = Object.fromEntries(Object.entries(first).filter(([tag]) => !moved.includes(tag)));
  const modifier: DicomElements =
    ti === undefined ? {} : { '00189009': ['CS', 'YES'], '00189079': ['FD', [ti]] };
  return dicomBytes(
    {
      ...top,
      '00080016': ['UI', enhancedMrImage],
      '00189008': ['CS', 'SPIN'],
      '00280008': ['IS', slices],
      '52009229': [
        'SQ',
        [
          {
            '00189112': ['SQ', [{ '00180080': ['DS', tr] }]],
            '00189114': ['SQ', [{ '00189082': ['FD', te] }]],
            '00189115': ['SQ', [modifier]],
            '00209116': ['SQ', [{ '00200037': first['00200037'] }]],
            '00289110': ['SQ', [{ '00280030': first['00280030'] }]],
          },
        ],
      ],
      '52009230': [
        'SQ',
        order.map((slice) => ({
          '00209113': ['SQ', [{ '00200032': sliceElements(spec, slice)['00200032'] }]],
        })),
      ],
      '7fe00010': ['OW', Buffer.concat(order.map((slice) => pixelBytes(rows, columns, slice)))],
    },
    options,
  );
}

/** The files of a series with the voxels (whole numbers, not negative) and the place of a volume. */
export function filesOfVolume(volume: Volume, spec: SeriesSpec): Buffer[] {
  const { size, affine, data } = volume;
  const [columns, rows, slices] = size;
  const [columnMm, rowMm] = voxelSizeMm(affine);
  const lps = (column: number) => [-affine[column], -affine[4 + column], affine[8 + column]];
  const direction = (column: number, mm: number) => lps(column).map((value) => value / mm);
  const words = Uint16Array.from(data);
  return seriesFiles({
    ...spec,
    slices,
    rows,
    columns,
    ofSlice: (slice) => ({
      '00200032': ['DS', lps(3).map((mm, axis) => shortDecimal(mm + slice * lps(2)[axis]))],
      '00200037': ['DS', [...direction(0, columnMm), ...direction(1, rowMm)].map(shortDecimal)],
      '00280030': ['DS', [rowMm, columnMm].map(shortDecimal)],
      '7fe00010': [
        'OW',
        new Uint8Array(words.buffer, 2 * slice * rows * columns, 2 * rows * columns),
      ],
    }),
  });
}

/** Decimal texts have 16 characters at most. */
const shortDecimal = (value: number) => Number(value.toFixed(9));
