import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { demoExam } from '../support/dawson.js';

const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));

/** Runs a command line of the shell, with the program as "$0" and an image as "$1". */
const inShell = (line: string) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile('bash', ['-c', line, program, demoExam('flair')], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });

describe.skipIf(process.platform === 'win32')('standard output', () => {
  it('that is closed early ends the command quietly, with its own exit code', async () => {
    const good = await inShell('set -o pipefail; "$0" info "$1" | true');
    expect([good.code, good.stderr]).toEqual([0, '']);
    const bad = await inShell('set -o pipefail; "$0" info absent.nii 2>&1 | true');
    expect(bad.code).toBe(3);
  });

  it.skipIf(process.platform !== 'linux')(
    'that is full is said, with the code of outputs',
    async () => {
      const { code, stderr } = await inShell('"$0" info "$1" > /dev/full');
      expect([code, stderr]).toEqual([5, expect.stringContaining('no space left')]);
      expect((await inShell('"$0" info absent.nii 2> /dev/full')).code).toBe(3);
    },
  );

  it('is what a command gives where only 64 files may be open', async () => {
    const { code, stdout } = await inShell('ulimit -n 64; "$0" info "$1" --json');
    expect([code, JSON.parse(stdout).orientation]).toEqual([0, expect.any(String)]);
    expect((await inShell('ulimit -n 64; "$0" segment --help')).code).toBe(0);
    // Where they are fewer still, it is said.
    const { code: none, stderr } = await inShell('ulimit -n 30; "$0" segment --help');
    expect([none, stderr]).toEqual([7, expect.stringContaining('ulimit -n')]);
  });
});
