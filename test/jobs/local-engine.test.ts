import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { localEngine } from '../../src/jobs/index.js';
import { demoExam } from '../support/dawson.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('localEngine', () => {
  it('runs commands, and says why one fails without its path', async () => {
    const path = temporaryFolder();
    writeFileSync(path('Jane-Doe.nii'), 'no image');
    const [good, bad, wrong] = await Promise.all([
      localEngine.run(['info', demoExam('flair')]),
      localEngine.run(['info', path('Jane-Doe.nii')]),
      localEngine.run(['nothing-like-this']),
    ]);
    expect(good).toBeUndefined();
    expect(bad!.code).toBe('not-an-image');
    expect(bad!.reason).not.toContain('Jane');
    expect(wrong!.reason).toContain('exit code 2');
  });

  it('ends the command when it is stopped', async () => {
    const path = temporaryFolder();
    const stop = new AbortController();
    const reason = new DawsonError('interrupted', { expected: 'an end', found: 'a stop' });
    const run = localEngine.run(
      ['segment', '--flair', demoExam('flair'), '--out', path('result')],
      stop.signal,
    );
    setTimeout(() => stop.abort(reason), 300);
    await expect(run).rejects.toBe(reason);
  });
});
