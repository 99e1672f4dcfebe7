import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { stagesOnTerminal } from '../../src/cli/terminal.js';

function stages(options: object, isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  const text = () => String(stream.read() ?? '');
  return { text, stage: stagesOnTerminal(options, stream as unknown as typeof process.stderr) };
}

describe('stages on a terminal', () => {
  it('show how much is done and how long the rest will take', async () => {
    const { stage, text } = stages({}, true);
    await stage('segment', async (onProgress) => {
      onProgress(3, 12);
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    expect(text()).toMatch(/… segment 0\.\d s, 3 of 12, \d s left/);
  });

  it('are one line each, when they end, where nobody watches', async () => {
    const { stage, text } = stages({}, false);
    await stage('read', async (onProgress) => onProgress(1, 2));
    expect(text()).toMatch(/^ {2}✓ read \(\d\.\d s\)\n$/);
  });

  it.each([{ quiet: true }, { json: true }])('are not shown with %o', async (options) => {
    const { stage, text } = stages(options, true);
    expect(await stage('read', async () => 4)).toBe(4);
    expect(text()).toBe('');
  });
});
