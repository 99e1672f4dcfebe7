import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { dawson, demoExam, temporaryFolder } from '../support/dawson.js';

const folder = temporaryFolder();
const size = [6, 5, 4];

interface Changes {
  dim?: number[];
  datatype?: number;
  srow?: number[];
  voxel?: (index: number) => number;
}

/** A NIfTI-1 file of 16-bit voxels, right in all that is not asked to be otherwise. */
function nifti({ dim, datatype = 4, srow, voxel = (index) => index % 97 }: Changes = {}): Buffer {
  const voxels = size[0] * size[1] * size[2];
  const bytes = Buffer.alloc(352 + 2 * voxels);
  bytes.writeInt32LE(348, 0);
  for (const [at, length] of (dim ?? [3, ...size, 1, 1, 1, 1]).entries()) {
    bytes.writeInt16LE(length, 40 + 2 * at);
  }
  bytes.writeInt16LE(datatype, 70);
  bytes.writeInt16LE(16, 72);
  for (const at of [0, 1, 2, 3]) bytes.writeFloatLE(1, 76 + 4 * at);
  bytes.writeFloatLE(352, 108);
  bytes.writeInt16LE(1, 254);
  for (const [at, value] of (srow ?? [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]).entries()) {
    bytes.writeFloatLE(value, 280 + 4 * at);
  }
  bytes.write('n+1\0', 344, 'latin1');
  for (let index = 0; index < voxels; index++) bytes.writeInt16LE(voxel(index), 352 + 2 * index);
  return bytes;
}

function file(name: string, bytes: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const whole = gzipSync(nifti());

/** Files that no exam can be read from, and what has to be said about each. */
const broken: [name: string, bytes: Buffer, says: RegExp][] = [
  ['truncated-gzip.nii.gz', whole.subarray(0, whole.length - 20), /incomplete|truncated|end/i],
  ['truncated-data.nii', nifti().subarray(0, 400), /incomplete|bytes/i],
  ['oversized-data.nii', Buffer.concat([nifti(), Buffer.alloc(100_000, 7)]), /more|larger/i],
  ['photo.nii.gz', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), /PNG/],
  ['empty.nii', Buffer.alloc(0), /empty/],
  ['zero-affine.nii', nifti({ srow: new Array(12).fill(0) }), /position|sform|affine/i],
  ['nan-affine.nii', nifti({ srow: new Array(12).fill(Number.NaN) }), /position|sform|affine/i],
  ['zero-size.nii', nifti({ dim: [3, 6, 0, 4, 1, 1, 1, 1] }), /length|size/i],
  ['negative-size.nii', nifti({ dim: [3, 6, -5, 4, 1, 1, 1, 1] }), /length|size/i],
  ['series.nii', nifti({ dim: [4, 6, 5, 4, 3, 1, 1, 1] }), /series/],
  ['colours.nii', nifti({ datatype: 128 }), /RGB/],
  ['constant.nii', nifti({ voxel: () => 40 }), /40 everywhere/],
];

describe('dawson segment', () => {
  it.each(broken)('refuses %s, says why, and leaves nothing behind', async (name, bytes, says) => {
    const flair = file(name, bytes);
    const out = join(folder, `${name}-result`);
    const { exitCode, stderr, stdout } = await dawson(['segment', '--flair', flair, '--out', out]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(flair);
    expect(stderr).toMatch(/expected .*; found /);
    expect(stderr).toMatch(says);
    expect(stdout).toBe('');
    expect(existsSync(out)).toBe(false);
  });

  it('refuses a file that is not there', async () => {
    const { exitCode, stderr } = await dawson([
      ...['segment', '--flair', join(folder, 'nowhere.nii'), '--out', join(folder, 'x')],
    ]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('nowhere.nii');
  });

  it('refuses the FLAIR given a second time as T1', async () => {
    const { exitCode, stderr } = await dawson([
      ...['segment', '--flair', demoExam('flair'), '--t1', demoExam('flair')],
      ...['--out', join(folder, 'twice')],
    ]);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('the same voxels');
    expect(existsSync(join(folder, 'twice'))).toBe(false);
  });

  it('refuses, before it computes, an output folder that holds other files, and leaves them', async () => {
    const out = join(folder, 'mine');
    mkdirSync(out);
    writeFileSync(join(out, 'thesis.txt'), 'years of work');
    const startMs = performance.now();
    const { exitCode, stderr } = await dawson([
      'segment',
      '--flair',
      demoExam('flair'),
      '--out',
      out,
    ]);
    expect(exitCode).toBe(5);
    expect(stderr).toContain('thesis.txt');
    expect(readdirSync(out)).toEqual(['thesis.txt']);
    expect(performance.now() - startMs).toBeLessThan(60_000);
  });

  it('refuses an output folder that cannot be made', async () => {
    const below = file('a-file', Buffer.from('x'));
    const { exitCode, stderr } = await dawson([
      ...['segment', '--flair', demoExam('flair'), '--out', join(below, 'result')],
    ]);
    expect(exitCode).toBe(5);
    expect(stderr).toContain(below);
  });

  it('says what it does not understand on the command line, with exit code 2', async () => {
    const { exitCode, stderr } = await dawson(['info', '--flare', 'x']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--flare');
  });

  it.each([
    ['evaluate', '--reference', 'a.nii', '--prediction', 'b.nii', '--margin', '0.1'],
    ['compare', 'a', 'b', '--out', 'c', '--margin', '0.1'],
    ['segment', '--flair', 'a.nii', '--out', 'c', '--no-mirror'],
  ])('refuses an option that would not be used: %s %s %s', async (...given) => {
    const { exitCode, stderr } = await dawson(given);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(given.find((option) => /^--(margin|no-mirror)/.test(option)));
  });

  it('gives failures as JSON when asked for JSON', async () => {
    const flair = file('again.nii', Buffer.alloc(0));
    const { exitCode, stderr } = await dawson([
      ...['segment', '--flair', flair, '--out', join(folder, 'y'), '--json'],
    ]);
    expect(exitCode).toBe(3);
    expect(JSON.parse(stderr).error).toMatchObject({ file: flair, code: 'not-an-image' });
  });
});
