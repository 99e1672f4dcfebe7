import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FolderDestination } from '../../src/gateway/config.js';
import { sendToFolder } from '../../src/gateway/send/folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const files = ['lesions.dcm', 'preview-001.dcm', 'change-001.dcm'];

/** A result with an earlier exam, as its job leaves it. */
function outgoing(objects: string) {
  mkdirSync(objects);
  for (const file of files) writeFileSync(`${objects}/${file}`, Buffer.alloc(200));
  const listed = files.map((file, at) => ({ file, sopClass: '1.2', sopInstance: `1.2.${at}` }));
  writeFileSync(`${objects}/export.json`, JSON.stringify({ objects: listed }));
  const known = { job: 'a1', study: '1.2.3', version: 1, instances: 3, earlier: [], remarks: [] };
  return { ...known, refused: undefined, objects } as unknown as Parameters<typeof sendToFolder>[1];
}

async function delivered(objects?: FolderDestination['objects']) {
  const at = temporaryFolder();
  const destination: FolderDestination = {
    ...{ name: 'copy', kind: 'folder', path: at('results') },
    ...(objects && { objects }),
  };
  const result = outgoing(at('objects'));
  const { signal } = new AbortController();
  await sendToFolder(destination, result, signal);
  // Again, as after a gateway was killed before it wrote down that it had sent.
  await sendToFolder(destination, result, signal);
  return readdirSync(at('results', '1.2.3-1')).filter((name) => name.endsWith('.dcm'));
}

describe('a folder as destination', () => {
  it('takes the pictures of what changed too, and the same result again', async () => {
    expect(await delivered()).toEqual([...files].sort());
  });

  it('takes them alone where the configuration says so', async () => {
    expect(await delivered(['change'])).toEqual(['change-001.dcm']);
  });
});
