// The demonstration exam as DICOM, as three vendors' scanners and archives would hand it over:
//
//   node scripts/make-demo-dicom.js OUT [siemens|ge|philips ...]     (all three; build first)
//
// siemens: classic files, a slice each, explicit VR, with private elements and a localizer;
// ge: classic files, JPEG-LS compressed, the T1 with 3D tags of its own and no sequence names;
// philips: enhanced multi-frame objects, with rescaled values.
// No file is from a scanner: headers are written in the way of each, voxels are those of demo/exam.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { uidOf } from '../dist/dicom/write/identifiers.js';
import { readVolume } from '../dist/formats/index.js';
import { explicit, fileBytes, placeOf } from './dicom-writer.js';

const mrImage = '1.2.840.10008.5.1.4.1.1.4';
const enhancedMrImage = '1.2.840.10008.5.1.4.1.1.4.1';
const jpegLs = '1.2.840.10008.1.2.4.80';

/** How each sequence is acquired, in ms and degrees; the same for all vendors. */
const protocols = {
  t1: { tr: 2300, te: 2.9, ti: 900, flip: 9, gradient: true, dimensions: '3D', thickness: 1.2 },
  flair: { tr: 9000, te: 100, ti: 2500, flip: 150, dimensions: '2D', thickness: 4 },
  t2: { tr: 5000, te: 95, flip: 150, dimensions: '2D', thickness: 4 },
};
const numbers = { t1: 3, flair: 4, t2: 5 };

const dialects = { siemens, ge, philips };

/** What all files of an exam say of patient and study. */
function study(vendor) {
  return {
    '00080005': ['CS', 'ISO_IR 100'],
    '00080020': ['DA', '20260131'],
    '00080030': ['TM', '101500'],
    '00080050': ['SH', 'DEMO1'],
    '00080060': ['CS', 'MR'],
    '00080080': ['LO', 'Nowhere Hospital'],
    '00080090': ['PN', 'Nobody^N'],
    '00081030': ['LO', 'MRI head'],
    '00100010': ['PN', 'Demo^Exam'],
    '00100020': ['LO', 'DAWSON-DEMO'],
    '00100030': ['DA', '19800101'],
    '00100040': ['CS', 'O'],
    '00180015': ['CS', 'BRAIN'],
    '0020000d': ['UI', uid(vendor, 'study')],
    '00200010': ['SH', '1'],
    '00200052': ['UI', uid(vendor, 'frame of reference')],
  };
}

const uid = (...names) => uidOf('demo exam', ...names);

const pixels = ({ size, bits = 12 }) => ({
  '00280002': ['US', 1],
  '00280004': ['CS', 'MONOCHROME2'],
  '00280010': ['US', size[1]],
  '00280011': ['US', size[0]],
  '00280100': ['US', 16],
  '00280101': ['US', bits],
  '00280102': ['US', bits - 1],
  '00280103': ['US', 0],
});

/** Each sequence of the exam with its voxels, whole numbers, and how it is acquired. */
async function sequences() {
  const names = Object.keys(protocols);
  return Promise.all(
    names.map(async (name) => {
      const file = fileURLToPath(new URL(`../demo/exam/${name}.nii.gz`, import.meta.url));
      const { volume } = await readVolume(file);
      const words = Uint16Array.from(volume.data);
      if (words.some((word, voxel) => word !== volume.data[voxel] || word > 4095)) {
        throw new Error(`${file} is not of whole numbers of 12 bits`);
      }
      return { name, ...protocols[name], number: numbers[name], volume, words };
    }),
  );
}

const sliceWords = ({ volume: { size }, words }, slice) =>
  words.subarray(slice * size[0] * size[1], (slice + 1) * size[0] * size[1]);

const bytesOf = (words) => Buffer.from(words.buffer, words.byteOffset, words.byteLength);

/** The elements of one slice that every vendor writes into a classic file. */
function classicSlice(vendor, sequence, slice) {
  const { name, number, tr, te, ti, flip, dimensions, thickness, volume } = sequence;
  const { orientation, spacing, stepMm, positionOf } = placeOf(volume);
  return {
    ...study(vendor),
    ...pixels({ size: volume.size }),
    '00080016': ['UI', mrImage],
    '00080018': ['UI', uid(vendor, name, `${slice}`)],
    '00080021': ['DA', '20260131'],
    '00080031': ['TM', `10${20 + number}00`],
    '00080032': ['TM', `10${20 + number}${String(slice % 60).padStart(2, '0')}`],
    '00180023': ['CS', dimensions],
    '00180050': ['DS', thickness],
    '00180080': ['DS', tr],
    '00180081': ['DS', te],
    ...(ti && { '00180082': ['DS', ti] }),
    '00180087': ['DS', 3],
    '00180088': ['DS', stepMm],
    '00180091': ['IS', sequence.gradient ? 1 : 16],
    '00181314': ['DS', flip],
    '00185100': ['CS', 'HFS'],
    '0020000e': ['UI', uid(vendor, name)],
    '00200011': ['IS', number],
    '00200013': ['IS', slice + 1],
    '00201040': ['LO', ''],
    '00200032': ['DS', positionOf(slice)],
    '00200037': ['DS', orientation],
    '00280030': ['DS', spacing],
    '00281050': ['DS', 500],
    '00281051': ['DS', 1000],
  };
}

async function siemens(folder) {
  mkdirSync(folder, { recursive: true });
  const descriptions = {
    t1: 't1_mprage_sag_p2_iso',
    flair: 't2_tirm_tra_dark-fluid',
    t2: 't2_tse_tra',
  };
  const own = ({ name, gradient, ti }) => ({
    '00080008': ['CS', 'ORIGINAL\\PRIMARY\\M\\ND\\NORM'],
    '00080070': ['LO', 'SIEMENS'],
    '00081090': ['LO', 'Skyra'],
    '0008103e': ['LO', descriptions[name]],
    '00180020': ['CS', gradient ? 'GR\\IR' : ti ? 'SE\\IR' : 'SE'],
    '00180021': ['CS', gradient ? 'SK\\SP\\MP' : 'SK\\SP'],
    '00180022': ['CS', 'PFP'],
    '00180024': ['SH', gradient ? '*tfl3d1_16ns' : ti ? '*tir2d1_16' : '*tse2d1_16'],
    '00181030': ['LO', descriptions[name]],
    '00290010': ['LO', 'SIEMENS CSA HEADER'],
    '00291010': ['OB', Buffer.from('SV10\x04\x03\x02\x01 a private block of the scanner')],
  });
  for (const sequence of await sequences()) {
    for (let slice = 0; slice < sequence.volume.size[2]; slice++) {
      const elements = {
        ...classicSlice('siemens', sequence, slice),
        ...own(sequence),
        '7fe00010': ['OW', bytesOf(sliceWords(sequence, slice))],
      };
      writeFileSync(join(folder, `${elements['00080018'][1]}.IMA`), fileBytes(elements));
    }
    if (sequence.name === 'flair') writeLocalizer(folder, sequence, own(sequence));
  }
}

/** Three slices, each along another direction, as every exam begins. */
function writeLocalizer(folder, flair, own) {
  const directions = [
    [1, 0, 0, 0, 1, 0],
    [0, 1, 0, 0, 0, -1],
    [1, 0, 0, 0, 0, -1],
  ];
  for (const [at, orientation] of directions.entries()) {
    const elements = {
      ...classicSlice('siemens', flair, 16),
      ...own,
      '00080018': ['UI', uid('siemens', 'localizer', `${at}`)],
      '0008103e': ['LO', 'localizer'],
      '00180020': ['CS', 'GR'],
      '00180080': ['DS', 8.6],
      '00180081': ['DS', 4],
      '0020000e': ['UI', uid('siemens', 'localizer')],
      '00200011': ['IS', 1],
      '00200013': ['IS', at + 1],
      '00200037': ['DS', orientation],
      '7fe00010': ['OW', bytesOf(sliceWords(flair, 16))],
    };
    delete elements['00180082'];
    writeFileSync(join(folder, `${elements['00080018'][1]}.IMA`), fileBytes(elements));
  }
}

async function ge(folder) {
  const encoder = await jpegLsEncoder();
  for (const sequence of await sequences()) {
    const { name, gradient, ti, number, volume } = sequence;
    const path = join(folder, 'DICOM', `S${number}`);
    mkdirSync(path, { recursive: true });
    for (let slice = 0; slice < volume.size[2]; slice++) {
      const elements = {
        ...classicSlice('ge', sequence, slice),
        '00080008': ['CS', 'ORIGINAL\\PRIMARY\\OTHER'],
        '00080070': ['LO', 'GE MEDICAL SYSTEMS'],
        '00081090': ['LO', 'DISCOVERY MR750'],
        '0008103e': ['LO', `AX ${name.toUpperCase()}`],
        '00090010': ['LO', 'GEMS_IDEN_01'],
        '00091001': ['LO', 'GE_GENESIS_FF'],
        // Research mode stands for sequences that the standard has no name for.
        '00180020': ['CS', gradient ? 'GR' : ti ? 'RM\\IR' : 'SE'],
        '00180021': ['CS', gradient ? 'SS\\SP\\SK' : 'SK'],
        '00180022': ['CS', gradient ? 'FILTERED_GEMS\\ACC_GEMS' : 'FAST_GEMS\\EDR_GEMS'],
        '00180025': ['CS', 'N'],
        '00200012': ['IS', 1],
        '00201002': ['IS', volume.size[2]],
      };
      const fragments = [encoder(sliceWords(sequence, slice), volume.size)];
      // Archives number files without endings.
      writeFileSync(
        join(path, `I${slice + 1}`),
        fileBytes(elements, { syntax: jpegLs, fragments }),
      );
    }
  }
}

async function jpegLsEncoder() {
  const codec = await createRequire(import.meta.url)('@cornerstonejs/codec-charls')();
  return (words, [width, height]) => {
    const encoder = new codec.JpegLSEncoder();
    try {
      const frame = { width, height, bitsPerSample: 12, componentCount: 1 };
      encoder.getDecodedBuffer(frame).set(bytesOf(words));
      encoder.setNearLossless(0);
      encoder.encode();
      return Buffer.from(encoder.getEncodedBuffer());
    } finally {
      encoder.delete();
    }
  };
}

async function philips(folder) {
  mkdirSync(folder, { recursive: true });
  for (const sequence of await sequences()) {
    const { name, number, tr, te, ti, flip, gradient, dimensions, thickness, volume } = sequence;
    const { orientation, spacing, stepMm, positionOf } = placeOf(volume);
    const { size, words } = { ...volume, words: sequence.words };
    const slices = Array.from({ length: size[2] }, (_, slice) => slice);
    const elements = {
      ...study('philips'),
      ...pixels({ size, bits: 16 }),
      '00080008': ['CS', 'ORIGINAL\\PRIMARY\\M_SE\\M\\SE'],
      '00080016': ['UI', enhancedMrImage],
      '00080018': ['UI', uid('philips', name, 'image')],
      '00080023': ['DA', '20260131'],
      '00080033': ['TM', `10${20 + number}00`],
      '0008002a': ['DT', `2026013110${20 + number}00`],
      '00080070': ['LO', 'Philips Medical Systems'],
      '00081090': ['LO', 'Ingenia'],
      '0008103e': ['LO', { t1: 'sT1W_3D_TFE', flair: 'FLAIR_longTR', t2: 'T2W_TSE' }[name]],
      '00180023': ['CS', dimensions],
      '00180087': ['DS', 3],
      '00189004': ['CS', 'PRODUCT'],
      '00189005': ['SH', gradient ? 'TFE' : 'TSE'],
      '00189008': ['CS', gradient ? 'GRADIENT' : 'SPIN'],
      '00189073': ['FD', 240],
      '0020000e': ['UI', uid('philips', name)],
      '00200011': ['IS', 100 * number + 1],
      '00200013': ['IS', 1],
      '00280008': ['IS', size[2]],
      20010010: ['LO', 'Philips Imaging DD 001'],
      52009229: [
        'SQ',
        [
          {
            '00189112': ['SQ', [{ '00180080': ['DS', tr], '00181314': ['DS', flip] }]],
            '00189114': ['SQ', [{ '00189082': ['FD', te] }]],
            '00189115': [
              'SQ',
              [
                ti
                  ? { '00189009': ['CS', 'YES'], '00189079': ['FD', ti] }
                  : { '00189009': ['CS', 'NO'] },
              ],
            ],
            '00209116': ['SQ', [{ '00200037': ['DS', orientation] }]],
            '00289110': [
              'SQ',
              [
                {
                  '00180050': ['DS', thickness],
                  '00180088': ['DS', stepMm],
                  '00280030': ['DS', spacing],
                },
              ],
            ],
            // Stored numbers are twice the values.
            '00289145': [
              'SQ',
              [{ '00281052': ['DS', 0], '00281053': ['DS', 0.5], '00281054': ['LO', 'US'] }],
            ],
          },
        ],
      ],
      52009230: [
        'SQ',
        slices.map((slice) => ({
          '00209111': ['SQ', [{ '00209056': ['SH', '1'], '00209057': ['UL', slice + 1] }]],
          '00209113': ['SQ', [{ '00200032': ['DS', positionOf(slice)] }]],
        })),
      ],
      '7fe00010': ['OW', bytesOf(words.map((word) => 2 * word))],
    };
    writeFileSync(join(folder, `IM_${number}`), fileBytes(elements, { syntax: explicit }));
  }
}

const [out, ...chosen] = process.argv.slice(2);
if (!out) throw new Error('the folder to write is missing');
for (const name of chosen.length > 0 ? chosen : Object.keys(dialects)) {
  await dialects[name](join(out, name));
}
