import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const source = fileURLToPath(new URL('../src', import.meta.url));

/** Every handle in the code: its module, its name, and the function that it calls. */
const handles = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== 'workers.ts')
  .flatMap((file) => {
    const text = readFileSync(join(source, file), 'utf8');
    const pattern = /(?:export const (\w+) = )?inWorker<([^>]*)>\(([^)]*)\)/g;
    return [...text.matchAll(pattern)].map(([, handle, type, args]) => ({
      file,
      handle,
      type,
      args: args.replace(/\s+/g, ' ').replace(/,? ?$/, '').trim(),
    }));
  });

describe('handles of functions that run in workers', () => {
  it('are found', () => expect(handles.length).toBeGreaterThan(15));

  it.each(handles)('$handle of $file names a function of its module', async (row) => {
    const { file, handle, type, args } = row;
    const name = handle?.replace(/InWorker$/, '');
    expect(handle).toBe(`${name}InWorker`);
    expect(type).toBe(`typeof ${name}`);
    expect(args).toBe(`import.meta.url, '${name}'`);
    const module = await import(join(source, file));
    expect(module[name!]).toBeTypeOf('function');
  });
});
