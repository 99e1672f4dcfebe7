import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { abandonedBeside, nameBeside } from '../../src/formats/beside.js';
import { writeAllWhole, writeWhole } from '../../src/formats/write-whole.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const bytes = Buffer.from('new');
const unique = Buffer.from('unique');
const writer = fileURLToPath(new URL('../../dist/formats/write-whole.js', import.meta.url));

/** The name under which a process that is gone would have left something beside an output. */
const abandonedName = (final: string, role: 'new' | 'old') => {
  const gone = spawnSync('true').pid;
  return nameBeside(basename(final), role, unique).replace(`-${process.pid}-`, `-${gone}-`);
};

describe('writeAllWhole', () => {
  const files = (path: (name: string) => string, ...names: string[]) =>
    names.map((name) => ({ file: path(name), bytes }));

  it('writes all files, and what else belongs to them before any has its name', async () => {
    const path = temporaryFolder();
    await writeAllWhole(files(path, 'one', 'two'), {
      last: async () => {
        expect(readdirSync(path()).filter((name) => ['one', 'two'].includes(name))).toEqual([]);
        mkdirSync(path('pictures'));
      },
    });
    expect(readdirSync(path()).sort()).toEqual(['one', 'pictures', 'two']);
  });

  it('writes none where one cannot be written', async () => {
    const path = temporaryFolder();
    writeFileSync(path('one'), 'old');
    await expect(writeAllWhole(files(path, 'one', 'absent/two'))).rejects.toMatchObject({
      code: 'output-failed',
      details: { file: path('absent/two') },
    });
    expect(readdirSync(path())).toEqual(['one']);
    expect(readFileSync(path('one'), 'utf8')).toBe('old');
  });

  it('writes none where what else belongs to them fails', async () => {
    const path = temporaryFolder();
    const last = () => Promise.reject(new Error('no'));
    await expect(writeAllWhole(files(path, 'one'), { last })).rejects.toThrow('no');
    expect(readdirSync(path())).toEqual([]);
  });
});

describe('writeWhole', () => {
  it('writes a new file and replaces an earlier one, with nothing beside it', async () => {
    const path = temporaryFolder();
    for (const text of ['first', 'second']) {
      await writeWhole(path('out.txt'), Buffer.from(text));
      expect(readFileSync(path('out.txt'), 'utf8')).toBe(text);
      expect(readdirSync(path())).toEqual(['out.txt']);
    }
  });

  it.each([
    ['in a folder that does not exist', 'absent/out.txt', 'output-failed', /no such folder/],
    ['below a file', 'file/out.txt', 'output-failed', /leads through a file/],
    ['under a name that is too long', `${'x'.repeat(300)}`, 'output-failed', /too long/],
    ['in the place of a folder', 'folder', 'output-exists', /folder/],
    ['in the place of a device', 'device', 'output-exists', /device/],
  ])('refuses to write %s', async (_what, name, code, found) => {
    const path = temporaryFolder();
    writeFileSync(path('file'), '');
    mkdirSync(path('folder'));
    symlinkSync('/dev/null', path('device'));
    await expect(writeWhole(path(name), bytes)).rejects.toMatchObject({
      name: 'DawsonError',
      code,
      details: { file: path(name), found: expect.stringMatching(found) },
    });
    expect(readdirSync(path()).sort()).toEqual(['device', 'file', 'folder']);
  });

  it('leaves the earlier file and nothing else when it is stopped', async () => {
    const path = temporaryFolder();
    writeFileSync(path('out.txt'), 'old');
    const stopped = new AbortController();
    const writing = writeWhole(path('out.txt'), Buffer.alloc(2 ** 26), { signal: stopped.signal });
    setImmediate(() => stopped.abort(new Error('stopped')));
    await expect(writing).rejects.toThrow('stopped');
    expect(readdirSync(path())).toEqual(['out.txt']);
    expect(readFileSync(path('out.txt'), 'utf8')).toBe('old');
  });

  it('leaves the earlier file and nothing else when a file may not grow so large', () => {
    const path = temporaryFolder();
    writeFileSync(path('out.txt'), 'old');
    const script = `import { writeWhole } from ${JSON.stringify(writer)};
      await writeWhole(${JSON.stringify(path('out.txt'))}, Buffer.alloc(1e6))
        .catch(({ code, details }) => console.log(code, details.found));`;
    const said = execFileSync(
      'sh',
      ['-c', 'ulimit -f 64; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      { encoding: 'utf8' },
    );
    expect(said).toBe('output-failed a limit on the size of files\n');
    expect(readdirSync(path())).toEqual(['out.txt']);
    expect(readFileSync(path('out.txt'), 'utf8')).toBe('old');
  });

  it('leaves the earlier file and nothing else when the disk is full', async ({ skip }) => {
    const path = temporaryFolder();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path()]);
    skip(mounted.status !== 0, 'a small disk cannot be mounted here');
    onTestFinished(() => {
      spawnSync('umount', [path()]);
    });
    writeFileSync(path('out.txt'), 'old');
    await expect(writeWhole(path('out.txt'), Buffer.alloc(1e6))).rejects.toMatchObject({
      code: 'output-failed',
      details: { found: 'no space left on the disk' },
    });
    expect(readdirSync(path())).toEqual(['out.txt']);
    expect(readFileSync(path('out.txt'), 'utf8')).toBe('old');
  });

  it('removes what a killed process has left of the same output, and only that', async () => {
    const path = temporaryFolder();
    const left = path(abandonedName('out.txt', 'new'));
    const ofAnother = path(abandonedName('other.txt', 'new'));
    const ofOurs = path(nameBeside('out.txt', 'new', unique));
    for (const file of [left, ofAnother, ofOurs]) writeFileSync(file, '');
    await writeWhole(path('out.txt'), bytes);
    expect(readdirSync(path()).sort()).toEqual(
      ['out.txt', basename(ofAnother), basename(ofOurs)].sort(),
    );
  });
});

describe('abandonedBeside', () => {
  it('takes what is a day old for abandoned, whoever made it', async () => {
    const path = temporaryFolder();
    const ofAnotherMachine = path(
      nameBeside('out', 'new', unique).replace(/-[0-9a-f]{8}-(\d+)-/, '-00000000-$1-'),
    );
    writeFileSync(ofAnotherMachine, '');
    expect(await abandonedBeside(path('out'))).toEqual([]);
    const yesterday = Date.now() / 1000 - 25 * 3600;
    utimesSync(ofAnotherMachine, yesterday, yesterday);
    expect(await abandonedBeside(path('out'))).toEqual([{ path: ofAnotherMachine, role: 'new' }]);
  });

  it('takes what is older than this process for abandoned where it has the same number', async () => {
    const path = temporaryFolder();
    const left = path(nameBeside('out', 'old', unique));
    writeFileSync(left, '');
    const before = Date.now() / 1000 - process.uptime() - 60;
    utimesSync(left, before, before);
    expect(await abandonedBeside(path('out'))).toEqual([{ path: left, role: 'old' }]);
  });
});
