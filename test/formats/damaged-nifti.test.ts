import { mkdirSync, symlinkSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readVolume } from '../../src/formats/read-volume.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';
import { goldenNifti } from './golden-files.js';

const plain = goldenNifti('nifti1 LE int16');
const plain2 = goldenNifti('nifti2 LE int16');
const dataAt = 352;

/** The plain image after a change of its bytes. */
function changed(change: (bytes: Buffer) => void, from = plain): Buffer {
  const bytes = Buffer.from(from);
  change(bytes);
  return bytes;
}

const dims = (...lengths: number[]) =>
  changed((bytes) => {
    [3, 1, 1, 1, 1, 1, 1, 1].forEach((length, axis) => {
      bytes.writeInt16LE(lengths[axis] ?? length, 40 + 2 * axis);
    });
  });
const srow = (change: (srow: number[]) => void) =>
  changed((bytes) => {
    const rows = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
    change(rows);
    rows.forEach((value, index) => {
      bytes.writeFloatLE(value, 280 + 4 * index);
    });
  });
const qform = (change: (bytes: Buffer) => void) =>
  changed((bytes) => {
    bytes.writeInt16LE(1, 252);
    bytes.writeInt16LE(0, 254);
    change(bytes);
  });
const datatype = (code: number) => changed((bytes) => bytes.writeInt16LE(code, 70));
const dims2 = (length: bigint) => changed((bytes) => bytes.writeBigInt64LE(length, 24), plain2);

const cases: [what: string, bytes: Buffer, code: string, found?: RegExp][] = [
  ['an empty file', Buffer.alloc(0), 'not-an-image', /empty/],
  ['text', Buffer.from('subject,age\n1,40\n'), 'not-an-image', /text/],
  [
    'a DICOM file',
    Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]),
    'not-an-image',
    /DICOM/,
  ],
  ['a PNG picture', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'not-an-image', /PNG/],
  ['a JPEG picture', Buffer.from([0xff, 0xd8, 0xff, 0xe0]), 'not-an-image', /JPEG/],
  ['gzip of text', gzipSync('hello'), 'not-an-image', /gzip data that hold text/],
  ['gzip of nothing', gzipSync(''), 'not-an-image', /gzip data that hold nothing/],
  ['an ANALYZE header', changed((b) => b.fill(0, 344, 348)), 'not-an-image', /ANALYZE/],
  ['the first half of a header', plain.subarray(0, 170), 'not-an-image'],
  ['a header alone', plain.subarray(0, 348), 'file-truncated'],
  ['voxels cut short', plain.subarray(0, plain.length - 1), 'file-truncated'],
  ['gzip of voxels cut short', gzipSync(plain.subarray(0, -1)), 'file-truncated'],
  ['gzip cut short in the voxels', gzipSync(plain).subarray(0, -20), 'file-truncated'],
  ['gzip without its checksum', gzipSync(plain).subarray(0, -8), 'file-truncated'],
  ['gzip of two bytes', Buffer.from([0x1f, 0x8b]), 'file-truncated'],
  [
    'gzip with another checksum',
    changed((b) => b.fill(7, b.length - 8), gzipSync(plain)),
    'file-corrupt',
  ],
  [
    'gzip with other bytes inside',
    changed((b) => b.fill(255, 20, 60), gzipSync(plain)),
    'file-corrupt',
  ],
  ['more voxels than expected', Buffer.concat([plain, Buffer.alloc(513)]), 'file-oversized'],
  ['gzip of more voxels', gzipSync(Buffer.concat([plain, Buffer.alloc(513)])), 'file-oversized'],
  ['zeros behind gzip', Buffer.concat([gzipSync(plain), Buffer.alloc(600)]), 'file-oversized'],
  ['data behind gzip', Buffer.concat([gzipSync(plain), Buffer.alloc(3e6, 9)]), 'file-corrupt'],
  ['no dimensions', dims(0), 'file-corrupt'],
  ['eight dimensions', dims(8), 'file-corrupt'],
  ['a single slice', dims(2, 4, 6), 'unsupported-image', /slice/],
  ['a length of zero', dims(3, 4, 0, 2), 'file-corrupt'],
  ['a negative length', dims(3, 4, -3, 2), 'file-corrupt'],
  ['a zero fourth length', dims(4, 4, 3, 2, 0), 'file-corrupt'],
  ['a series', dims(4, 4, 3, 1, 2), 'unsupported-image', /series of 2/],
  ['a vector in each voxel', dims(5, 2, 2, 2, 1, 3), 'unsupported-image', /series/],
  ['more voxels than any scanner makes', dims(3, 32767, 32767, 32767), 'unsupported-image'],
  ['lengths whose product overflows', dims2(2n ** 62n), 'unsupported-image'],
  ['the largest negative length', dims2(-(2n ** 63n)), 'file-corrupt'],
  ['a gigabyte that is not there', dims(3, 400, 400, 400), 'file-truncated'],
  ['a field of view of a thousand litres', dims(3, 600, 600, 600), 'bad-geometry', /implausible/],
  ['the same in gzip', gzipSync(dims(3, 400, 400, 400)), 'file-truncated', /at most/],
  ['RGB', datatype(128), 'unsupported-image', /RGB/],
  ['RGBA', datatype(2304), 'unsupported-image', /RGBA/],
  ['complex numbers', datatype(32), 'unsupported-image', /complex/],
  ['bits', datatype(1), 'unsupported-image', /1-bit/],
  ['an unknown datatype', datatype(-5), 'unsupported-image', /-5/],
  ['voxels inside the header', changed((b) => b.writeFloatLE(300, 108)), 'file-corrupt'],
  ['voxels at a negative place', changed((b) => b.writeFloatLE(-352, 108)), 'file-corrupt'],
  ['voxels at no place', changed((b) => b.writeFloatLE(Number.NaN, 108)), 'file-corrupt'],
  ['voxels at half a byte', changed((b) => b.writeFloatLE(352.5, 108)), 'file-corrupt'],
  ['voxels far behind the end', changed((b) => b.writeFloatLE(1e30, 108)), 'file-corrupt'],
  ['voxels just behind the end', changed((b) => b.writeFloatLE(4096, 108)), 'file-truncated'],
  ['a zero sform', srow((s) => s.fill(0)), 'bad-geometry'],
  ['a sform with NaN', srow((s) => s.fill(Number.NaN, 3, 4)), 'bad-geometry'],
  ['a sform with infinity', srow((s) => s.fill(Number.POSITIVE_INFINITY, 0, 1)), 'bad-geometry'],
  ['a singular sform', srow((s) => s.copyWithin(0, 4, 8)), 'bad-geometry'],
  ['voxels of a kilometre', srow((s) => s.fill(1e6, 0, 1)), 'bad-geometry'],
  ['voxels of a nanometre', srow((s) => s.fill(1e-6, 0, 1)), 'bad-geometry'],
  ['lengths in seconds', changed((b) => b.fill(4, 123, 124)), 'bad-geometry'],
  ['a qform with a zero voxel size', qform((b) => b.writeFloatLE(0, 80)), 'bad-geometry'],
  ['a qform with a negative voxel size', qform((b) => b.writeFloatLE(-1, 84)), 'bad-geometry'],
  ['a qform with a long quaternion', qform((b) => b.writeFloatLE(2, 256)), 'bad-geometry'],
  ['a qform with NaN', qform((b) => b.writeFloatLE(Number.NaN, 260)), 'bad-geometry'],
  ['a qform with a lost origin', qform((b) => b.writeFloatLE(Number.NaN, 268)), 'bad-geometry'],
  [
    'no finite scl_inter',
    changed((b) => {
      b.writeFloatLE(2, 112);
      b.writeFloatLE(Number.NaN, 116);
    }),
    'file-corrupt',
  ],
  ['integers beyond 2^53', int64(2n ** 53n + 1n), 'unsupported-image', /9007199254740993/],
  ['negative integers beyond 2^53', int64(-(2n ** 53n) - 1n), 'unsupported-image'],
  [
    'a header whose voxels are elsewhere',
    changed((b) => b.write('ni1\0', 344, 'latin1')),
    'file-not-found',
    /none/,
  ],
];

function int64(value: bigint): Buffer {
  const bytes = Buffer.from(goldenNifti('nifti1 LE int64'));
  bytes.writeBigInt64LE(value, dataAt + 40);
  return bytes;
}

describe('readVolume', () => {
  it.each(cases)('refuses %s', async (_what, bytes, code, found) => {
    const file = temporaryFile('image.nii', bytes);
    await expect(readVolume(file)).rejects.toMatchObject({
      name: 'DawsonError',
      code,
      details: { file, found: expect.stringMatching(found ?? /./) },
    });
  });

  it('stops a gzip bomb where the header’s data end', async () => {
    // Members of gzip may follow each other: 16 GB of zeros in 16 MB.
    const zeros = gzipSync(Buffer.alloc(2 ** 24));
    const bomb = [gzipSync(plain), ...Array.from({ length: 1000 }, () => zeros)];
    const file = temporaryFile('bomb.nii.gz', Buffer.concat(bomb));
    const startMs = performance.now();
    await expect(readVolume(file)).rejects.toMatchObject({ code: 'file-oversized' });
    expect(performance.now() - startMs).toBeLessThan(2000);
  });

  it('reads gzip whatever the name, and a plain file named .gz', async () => {
    for (const [name, bytes] of [
      ['image.dat', gzipSync(plain)],
      ['image.nii.gz', plain],
    ] as const) {
      expect((await readVolume(temporaryFile(name, bytes))).volume.data[3]).toBe(15);
    }
  });

  it('reads gzip of several members', async () => {
    const bytes = Buffer.concat([gzipSync(plain.subarray(0, 100)), gzipSync(plain.subarray(100))]);
    expect(gunzipSync(bytes)).toEqual(plain);
    expect((await readVolume(temporaryFile('image.nii.gz', bytes))).volume.data[3]).toBe(15);
  });

  it('refuses what is no file at all', async () => {
    const path = temporaryFolder();
    mkdirSync(path('folder.nii'));
    symlinkSync('nowhere', path('dangling.nii'));
    const wrong = ['folder.nii', 'dangling.nii', 'absent.nii', 'absent/image.nii'].map((p) =>
      path(p),
    );
    for (const file of [...wrong, '/dev/zero', `${'x'.repeat(300)}.nii`, 'a\0b.nii']) {
      await expect(readVolume(file)).rejects.toMatchObject({
        name: 'DawsonError',
        code: 'file-not-found',
        details: { file },
      });
    }
  });
});
