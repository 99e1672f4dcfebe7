import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));

export const demoExam = (name: string) =>
  fileURLToPath(new URL(`../../demo/exam/${name}.nii.gz`, import.meta.url));

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a user does; `stop` sends it a signal as soon as it has said something. */
export function dawson(
  args: string[],
  stop?: { readonly signal: NodeJS.Signals; readonly after: string },
) {
  return new Promise<Outcome>((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args]);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      const saidBefore = stop && stderr.includes(stop.after);
      stderr += text;
      if (stop && !saidBefore && stderr.includes(stop.after)) child.kill(stop.signal);
    });
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

/** A folder that is removed when the tests of the file have run. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawson-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
