import { describe, expect, it } from 'vitest';
import { DawsonError, errorTable } from '../src/errors.js';

describe('the error table', () => {
  it.each(Object.entries(errorTable))('%s has every column', (_code, row) => {
    expect(row.exitCode).toBeGreaterThan(0);
    expect(row.title).not.toBe('');
    expect(row.advice).toMatch(/\.$/);
  });

  it('gives an error the file, what was expected and what was found', () => {
    const error = new DawsonError('file-truncated', {
      file: 'flair.nii',
      expected: '100 bytes of voxels',
      found: '50',
    });
    expect(error.message).toBe('flair.nii: expected 100 bytes of voxels; found 50');
    expect(error.exitCode).toBe(3);
  });
});
