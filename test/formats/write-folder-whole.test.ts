import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nameBeside } from '../../src/formats/beside.js';
import * as folders from '../../src/formats/write-folder-whole.js';
import { writeWhole } from '../../src/formats/write-whole.js';
import { examResult } from '../../src/quantify/result-folder.js';
import { seededRandom } from '../../src/volume/random.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const requireReplaceableFolder = (folder: string) =>
  folders.requireReplaceableFolder(folder, examResult);

const writeFolderWhole = (
  folder: string,
  fill: (staging: string) => Promise<void>,
  { signal }: { signal?: AbortSignal } = {},
) => folders.writeFolderWhole(folder, fill, { kind: examResult, signal });

const names = ['findings.json', 'lesions.csv', 'overlay.png'];

/** A result whose files all say which run made them. */
const fillWith = (run: string) => async (staging: string) => {
  for (const name of names) {
    const text = name.endsWith('.json') ? JSON.stringify({ schema: 'dawson-findings', run }) : run;
    await writeWhole(join(staging, name), Buffer.from(text));
  }
};

/** The run that made all files of a result. @throws when it is not whole or mixed. */
function runOf(folder: string): string {
  expect(readdirSync(folder).sort()).toEqual(names);
  const run = readFileSync(join(folder, 'lesions.csv'), 'utf8');
  expect(readFileSync(join(folder, 'overlay.png'), 'utf8')).toBe(run);
  expect(JSON.parse(readFileSync(join(folder, 'findings.json'), 'utf8')).run).toBe(run);
  return run;
}

const abandonedName = (final: string, role: 'new' | 'old') => {
  const gone = spawnSync('true').pid;
  const unique = Buffer.from('unique');
  return nameBeside(basename(final), role, unique).replace(`-${process.pid}-`, `-${gone}-`);
};

describe('writeFolderWhole', () => {
  it('makes a folder, and the folders above it', async () => {
    const path = temporaryFolder();
    await writeFolderWhole(path('a', 'b', 'out'), fillWith('1'));
    expect(runOf(path('a', 'b', 'out'))).toBe('1');
    expect(readdirSync(path('a', 'b'))).toEqual(['out']);
    expect(statSync(path('a', 'b', 'out')).mode).toBe(statSync(path('a')).mode);
  });

  it('takes the place of an empty folder and of an earlier result, and keeps its permissions', async () => {
    const path = temporaryFolder();
    mkdirSync(path('out'));
    chmodSync(path('out'), 0o750);
    for (const run of ['1', '2']) {
      await writeFolderWhole(path('out'), fillWith(run));
      expect(runOf(path('out'))).toBe(run);
      expect(readdirSync(path())).toEqual(['out']);
      expect(statSync(path('out')).mode & 0o777).toBe(0o750);
    }
  });

  it('leaves no file of an earlier result that the new one does not have', async () => {
    const path = temporaryFolder();
    await writeFolderWhole(path('out'), async (staging) => {
      await fillWith('1')(staging);
      writeFileSync(join(staging, 'flair-to-t1.txt'), '');
    });
    await writeFolderWhole(path('out'), fillWith('2'));
    expect(runOf(path('out'))).toBe('2');
  });

  it('replaces the folders of an earlier result too, and no other folder in it', async () => {
    const path = temporaryFolder();
    const withObject = (run: string, name: string) => async (staging: string) => {
      await fillWith(run)(staging);
      mkdirSync(join(staging, 'dicom'));
      writeFileSync(join(staging, 'dicom', name), run);
    };
    await writeFolderWhole(path('out'), withObject('1', 'lesions.dcm'));
    await writeFolderWhole(path('out'), withObject('2', 'report.dcm'));
    expect(readdirSync(path('out', 'dicom'))).toEqual(['report.dcm']);
    writeFileSync(path('out', 'dicom', 'notes.txt'), 'mine');
    await expect(writeFolderWhole(path('out'), fillWith('3'))).rejects.toMatchObject({
      code: 'output-exists',
      details: { found: 'dicom/notes.txt' },
    });
    await expect(writeFolderWhole(path('other'), withObject('1', 'a.dcm'))).rejects.toThrow(
      /dicom\/a\.dcm is not a name/,
    );
    expect(readdirSync(path())).toEqual(['out']);
  });

  it('follows a link to a folder and keeps the link', async () => {
    const path = temporaryFolder();
    mkdirSync(path('disk'));
    mkdirSync(path('disk', 'results'));
    symlinkSync(path('disk', 'results'), path('out'));
    await writeFolderWhole(path('out'), fillWith('1'));
    expect(realpathSync(path('out'))).toBe(realpathSync(path('disk', 'results')));
    expect(runOf(path('disk', 'results'))).toBe('1');
  });

  it.each([
    [
      'a file of someone',
      (out: string) => writeFileSync(join(out, 'notes.txt'), 'mine'),
      /^notes\.txt$/,
    ],
    [
      'a folder',
      (out: string) => mkdirSync(join(out, 'prepared-t1.nii.gz')),
      /^prepared-t1\.nii\.gz$/,
    ],
    [
      'five files',
      (out: string) => {
        for (const name of 'abcde') writeFileSync(join(out, name), '');
      },
      /^a, b, c and 2 more$/,
    ],
  ])('refuses a folder with an earlier result and %s, and leaves it', async (_what, add, found) => {
    const path = temporaryFolder();
    await writeFolderWhole(path('out'), fillWith('1'));
    add(path('out'));
    const before = readdirSync(path('out'));
    for (const attempt of [
      () => writeFolderWhole(path('out'), fillWith('2')),
      () => requireReplaceableFolder(path('out')),
    ]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'output-exists',
        details: { file: path('out'), found: expect.stringMatching(found) },
      });
    }
    expect(readdirSync(path('out'))).toEqual(before);
    expect(readdirSync(path())).toEqual(['out']);
    expect(readFileSync(path('out', 'lesions.csv'), 'utf8')).toBe('1');
  });

  it.each([
    ['no findings', undefined],
    ['findings of another program', '{"schema":"other"}'],
    ['findings that are no JSON', 'lesions'],
    ['findings that are null', 'null'],
  ])('refuses a folder with our file names and %s', async (_what, findings) => {
    const path = temporaryFolder();
    mkdirSync(path('out'));
    writeFileSync(path('out', 'lesions.csv'), '');
    if (findings !== undefined) writeFileSync(path('out', 'findings.json'), findings);
    await expect(writeFolderWhole(path('out'), fillWith('1'))).rejects.toMatchObject({
      code: 'output-exists',
      details: { found: 'files without Dawson’s findings.json' },
    });
  });

  it('refuses the place of a file and one below a file', async () => {
    const path = temporaryFolder();
    writeFileSync(path('file'), '');
    for (const [out, code] of [
      [path('file'), 'output-exists'],
      [path('file', 'out'), 'output-failed'],
    ]) {
      await expect(writeFolderWhole(out, fillWith('1'))).rejects.toMatchObject({ code });
      await expect(requireReplaceableFolder(out)).rejects.toMatchObject({ code });
    }
  });

  it('leaves everything as it was when filling fails, and names the file where it was to be', async () => {
    const path = temporaryFolder();
    await writeFolderWhole(path('out'), fillWith('1'));
    const failing = async (staging: string) => {
      await fillWith('2')(staging);
      await writeWhole(join(staging, 'x'.repeat(300)), Buffer.alloc(1));
    };
    for (const out of [path('out'), path('new', 'out')]) {
      await expect(writeFolderWhole(out, failing)).rejects.toMatchObject({
        code: 'output-failed',
        details: { file: join(out, 'x'.repeat(300)) },
      });
    }
    expect(readdirSync(path())).toEqual(['out']);
    expect(runOf(path('out'))).toBe('1');
  });

  it('leaves everything as it was when it is stopped', async () => {
    const path = temporaryFolder();
    await writeFolderWhole(path('out'), fillWith('1'));
    const stopped = new AbortController();
    const fill = async (staging: string) => {
      await fillWith('2')(staging);
      stopped.abort(new Error('stopped'));
    };
    await expect(writeFolderWhole(path('out'), fill, { signal: stopped.signal })).rejects.toThrow(
      'stopped',
    );
    expect(readdirSync(path())).toEqual(['out']);
    expect(runOf(path('out'))).toBe('1');
  });

  it('refuses to put a file in place that the next run would not know', async () => {
    const path = temporaryFolder();
    const fill = async (staging: string) => writeFileSync(join(staging, 'surprise.txt'), '');
    await expect(writeFolderWhole(path('out'), fill)).rejects.toBeInstanceOf(RangeError);
    expect(readdirSync(path())).toEqual([]);
  });

  it('sees files that someone puts into the folder while it works', async () => {
    const path = temporaryFolder();
    mkdirSync(path('out'));
    const fill = async (staging: string) => {
      await fillWith('1')(staging);
      writeFileSync(path('out', 'notes.txt'), 'mine');
    };
    await expect(writeFolderWhole(path('out'), fill)).rejects.toMatchObject({
      code: 'output-exists',
    });
    expect(readdirSync(path('out'))).toEqual(['notes.txt']);
  });

  it('refuses the root of a mounted disk, and leaves a full disk as it was', async ({ skip }) => {
    const path = temporaryFolder();
    mkdirSync(path('disk'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path('disk')]);
    skip(mounted.status !== 0, 'a small disk cannot be mounted here');
    onTestFinished(() => {
      spawnSync('umount', [path('disk')]);
    });
    await expect(requireReplaceableFolder(path('disk'))).rejects.toMatchObject({
      code: 'output-failed',
      details: { advice: expect.stringContaining(path('disk', 'result')) },
    });
    await writeFolderWhole(path('disk', 'out'), fillWith('1'));
    const tooLarge = async (staging: string) => {
      await fillWith('2')(staging);
      await writeWhole(join(staging, 'lesions.nii.gz'), Buffer.alloc(1e6));
    };
    await expect(writeFolderWhole(path('disk', 'out'), tooLarge)).rejects.toMatchObject({
      code: 'output-failed',
      details: {
        file: path('disk', 'out', 'lesions.nii.gz'),
        found: 'no space left on the disk',
      },
    });
    expect(readdirSync(path('disk'))).toEqual(['out']);
    expect(runOf(path('disk', 'out'))).toBe('1');
  });

  it('lets the last of two runs to one place win as a whole', async () => {
    const path = temporaryFolder();
    await writeFolderWhole(path('out'), async (staging) => {
      await fillWith('slow')(staging);
      await writeFolderWhole(path('out'), fillWith('fast'));
      expect(runOf(path('out'))).toBe('fast');
    });
    expect(runOf(path('out'))).toBe('slow');
    expect(readdirSync(path())).toEqual(['out']);
  });

  it('puts back an earlier result that a killed run had moved aside', async () => {
    const path = temporaryFolder();
    const aside = path(abandonedName('out', 'old'));
    mkdirSync(aside);
    await fillWith('1')(aside);
    const failing = () => Promise.reject(new Error('no'));
    await expect(writeFolderWhole(path('out'), failing)).rejects.toThrow('no');
    expect(readdirSync(path())).toEqual(['out']);
    expect(runOf(path('out'))).toBe('1');
  });

  it('keeps an earlier result that was moved aside where someone took its place', async () => {
    const path = temporaryFolder();
    const aside = path(abandonedName('out', 'old'));
    mkdirSync(aside);
    await fillWith('1')(aside);
    mkdirSync(path('out'));
    writeFileSync(path('out', 'notes.txt'), 'mine');
    await expect(writeFolderWhole(path('out'), fillWith('2'))).rejects.toMatchObject({
      code: 'output-exists',
    });
    expect(runOf(aside)).toBe('1');
  });

  it('shows a whole result, old or new, after a kill at any moment', async () => {
    const path = temporaryFolder();
    const out = path('out');
    const random = seededRandom(5);
    const module = (file: string) =>
      JSON.stringify(fileURLToPath(new URL(`../../dist/${file}`, import.meta.url)));
    // Runs follow each other without a pause; each says its number before it begins.
    const script = `
      import { writeFileSync, writeSync } from 'node:fs';
      import { writeFolderWhole } from ${module('formats/write-folder-whole.js')};
      import { examResult } from ${module('quantify/result-folder.js')};
      for (let run = Number(process.argv[1]); ; run++) {
        writeSync(1, run + '\\n');
        await writeFolderWhole(${JSON.stringify(out)}, async (staging) => {
          for (const name of ${JSON.stringify(names)}) {
            const text = name.endsWith('.json')
              ? JSON.stringify({ schema: 'dawson-findings', run: String(run) }) : String(run);
            writeFileSync(staging + '/' + name, text);
          }
        }, { kind: examResult });
      }`;
    let last = 0;
    for (let kill = 0; kill < 15; kill++) {
      const child = spawn(process.execPath, [
        '--input-type=module',
        '-e',
        script,
        String(last + 1),
      ]);
      const begun: number[] = [];
      await new Promise<void>((resolve) => {
        child.on('exit', () => resolve());
        child.stdout.on('data', (text) => {
          if (begun.length === 0) setTimeout(() => child.kill('SIGKILL'), 20 * random.uniform());
          begun.push(...String(text).trim().split('\n').map(Number));
        });
      });
      const hidden = readdirSync(path()).filter((name) => name.startsWith('.dawson-'));
      expect(hidden.length).toBeLessThanOrEqual(2);
      // Between two renames the earlier result is whole under its hidden name.
      const whole = existsSync(out)
        ? out
        : path(hidden.find((name) => name.endsWith('.old')) ?? 'out');
      if (!existsSync(whole) && begun[0] === 1) continue;
      const shown = Number(runOf(whole));
      expect(shown).toBeGreaterThanOrEqual(last);
      expect(shown).toBeLessThanOrEqual(begun.at(-1)!);
      last = shown;
    }
    await writeFolderWhole(out, fillWith('end'));
    expect(readdirSync(path())).toEqual(['out']);
    expect(runOf(out)).toBe('end');
  });
});
