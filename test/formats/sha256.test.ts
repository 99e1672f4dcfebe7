import { describe, expect, it } from 'vitest';
import { sha256OfFile } from '../../src/formats/sha256.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';

describe('sha256OfFile', () => {
  it('gives the digest of FIPS 180-2, appendix B.1, for "abc"', async () => {
    expect(await sha256OfFile(temporaryFile('abc', 'abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('refuses a file that is not there and a folder', async () => {
    const path = temporaryFolder();
    for (const file of [path('absent'), path()]) {
      await expect(sha256OfFile(file)).rejects.toMatchObject({ code: 'file-not-found' });
    }
  });
});
