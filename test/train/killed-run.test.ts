import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.js';

const program = fileURLToPath(new URL('train-small-network.mjs', import.meta.url));
const allSteps = 200;

/** Trains in a process of its own, killed after a step if one is given. @returns steps done */
function train(folder: string, mode: 'start' | 'resume', killAfter?: number): Promise<number> {
  const child = spawn(process.execPath, [program, folder, mode]);
  let output = '';
  let failure = '';
  child.stderr.on('data', (chunk) => {
    failure += chunk;
  });
  const lastStep = () => Number(output.trim().split('\n').at(-1));
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (killAfter !== undefined && lastStep() >= killAfter) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(lastStep());
      else reject(new Error(failure));
    });
  });
}

describe('a training run that is killed', () => {
  it('goes on to the weights of a run that was not, bit for bit', async () => {
    const whole = temporaryFolder();
    expect(await train(whole('.'), 'start')).toBe(allSteps);
    const killed = temporaryFolder();
    expect(await train(killed('.'), 'start', 23)).toBeLessThan(allSteps);
    expect(await train(killed('.'), 'resume', 78)).toBeLessThan(allSteps);
    expect(await train(killed('.'), 'resume')).toBe(allSteps);
    const checkpoint = (path: typeof whole) => readFileSync(path('checkpoint.safetensors'));
    expect(checkpoint(killed).equals(checkpoint(whole))).toBe(true);
  });
});
