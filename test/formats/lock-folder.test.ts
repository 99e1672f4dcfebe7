import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { answers, listenAlone, withLockedFolder } from '../../src/formats/lock-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const built = fileURLToPath(new URL('../../dist/formats/lock-folder.js', import.meta.url));
const busy = { code: 'output-exists', message: expect.stringContaining('at work') };

it('lets one run at a time into a folder, by whatever path', async () => {
  const path = temporaryFolder();
  mkdirSync(path('a'));
  symlinkSync(path('a'), path('b'));
  await withLockedFolder(path('a', 'made-later'), 'a batch', async () => {
    for (const again of [
      path('a', 'made-later'),
      path('b', 'made-later'),
      `${path('a')}//x/../made-later`,
    ]) {
      await expect(withLockedFolder(again, 'a batch', async () => 1)).rejects.toMatchObject(busy);
    }
    expect(await withLockedFolder(path('a', 'other'), 'a batch', async () => 2)).toBe(2);
  });
  expect(await withLockedFolder(path('a', 'made-later'), 'a batch', async () => 3)).toBe(3);
});

it('is free again after work that failed', async () => {
  const folder = temporaryFolder()('x');
  const failing = async () => Promise.reject(new Error('in the work'));
  await expect(withLockedFolder(folder, 'a batch', failing)).rejects.toThrow('in the work');
  expect(await withLockedFolder(folder, 'a batch', async () => 1)).toBe(1);
});

it('can be waited for', async () => {
  const folder = temporaryFolder()('x');
  const order: number[] = [];
  const first = withLockedFolder(folder, 'a model', async () => {
    await new Promise((done) => setTimeout(done, 50));
    order.push(1);
  });
  const second = withLockedFolder(folder, 'a model', async () => order.push(2), { waits: true });
  await Promise.all([first, second]);
  expect(order).toEqual([1, 2]);
  const stop = new AbortController();
  await withLockedFolder(folder, 'a model', async () => {
    const options = { waits: true, signal: stop.signal };
    const waiting = withLockedFolder(folder, 'a model', async () => 1, options);
    setTimeout(() => stop.abort(), 20);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});

it('has one owner where several find what a killed process left', async () => {
  const path = temporaryFolder()('x.sock');
  for (let time = 0; time < 3; time++) {
    const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('in'))`;
    const child = spawn(process.execPath, ['-e', program]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const servers = Array.from({ length: 4 }, () => createServer());
    const owners = await Promise.all(servers.map((server) => listenAlone(server, path)));
    expect(owners.filter(Boolean)).toHaveLength(1);
    expect(await answers(path)).toBe(true);
    const owner = servers[owners.indexOf(true)];
    await new Promise((resolve) => owner.close(resolve));
  }
});

it('is held by another process until that is killed', async () => {
  const folder = temporaryFolder()('x');
  const program = `
    import { withLockedFolder } from ${JSON.stringify(built)};
    await withLockedFolder(${JSON.stringify(folder)}, 'a batch', async () => {
      console.log('in');
      await new Promise((done) => setTimeout(done, 60_000));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  await once(child.stdout, 'data');
  await expect(withLockedFolder(folder, 'a batch', async () => 1)).rejects.toMatchObject(busy);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await withLockedFolder(folder, 'a batch', async () => 2)).toBe(2);
});
