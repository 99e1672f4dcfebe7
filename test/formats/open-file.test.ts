import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listed } from '../../src/errors.js';
import { readCohort } from '../../src/evaluate/cohort-table.js';
import {
  readShippedImage,
  readShippedJson,
  readTransform,
  readVolume,
  requireShipped,
  sha256OfFile,
  writeNifti,
} from '../../src/formats/index.js';
import { parseJson } from '../../src/formats/json.js';
import { numbersOf } from '../../src/formats/numpy-pickle.js';
import { readWholeFile } from '../../src/formats/open-file.js';
import { parsePickle } from '../../src/formats/pickle.js';
import { readForeignJson, readJson, readJsonIfThere } from '../../src/formats/read-json.js';
import { readSafetensors } from '../../src/formats/safetensors.js';
import { readTorchFields } from '../../src/formats/torch-checkpoint.js';
import { describeExam } from '../../src/preprocess/exam-description.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';

const readers = {
  readCohort,
  readForeignJson,
  readJson,
  readJsonIfThere,
  readSafetensors,
  readTorchFields,
  readTransform,
  readVolume,
  sha256OfFile,
  whole: (file: string) => readWholeFile(file, { mostBytes: 1000 }),
};
const top = mkdtempSync(join(tmpdir(), 'dawson-test-'));
const path = (name: string) => join(top, name);
afterAll(() => rmSync(top, { recursive: true }));

beforeAll(() => {
  execFileSync('mkfifo', [path('pipe')]);
  symlinkSync(path('pipe'), path('link-to-a-pipe'));
  symlinkSync(path('loop'), path('loop'));
  mkdirSync(path('folder'));
});

describe.skipIf(process.platform === 'win32')('every reader', () => {
  it.each(
    Object.keys(readers).flatMap((reader) =>
      ['pipe', 'link-to-a-pipe', 'loop', 'folder', '/dev/zero'].map((what) => [reader, what]),
    ),
  )('%s refuses at once what is no file: %s', async (reader, what) => {
    const file = what.startsWith('/') ? what : path(what);
    const reading = readers[reader as keyof typeof readers](file);
    await expect(reading).rejects.toMatchObject({ code: 'file-not-found', exitCode: 3 });
  });

  it('says that something is in the place of a description, and nothing where there is none', async () => {
    const exam = temporaryFolder();
    expect(await describeExam(exam('flair.nii.gz'))).toEqual({ notes: [] });
    symlinkSync(exam('exam.json'), exam('exam.json'));
    await expect(describeExam(exam('flair.nii.gz'))).rejects.toMatchObject({
      code: 'file-not-found',
    });
  });
});

describe('a file of any size', () => {
  it('is read as far as it may be', async () => {
    const file = temporaryFile('file', Buffer.alloc(1001));
    await expect(readers.whole(file)).rejects.toMatchObject({ code: 'file-oversized' });
    expect(await readWholeFile(file, { mostBytes: 1001 })).toHaveLength(1001);
  });

  it('is read to its end where it says that it is empty', async () => {
    const limits = { mostBytes: 100_000 };
    if (process.platform === 'linux') {
      expect((await readWholeFile('/proc/self/status', limits)).toString()).toContain('Pid:');
    }
    expect(await readWholeFile(temporaryFile('empty', ''), limits)).toHaveLength(0);
  });
});

describe('an image', () => {
  it('has the hash of the bytes that its voxels came from, though another file takes its name', async () => {
    const folder = temporaryFolder();
    const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as const;
    const sizes = [10, 20, 30];
    for (const nx of sizes) {
      const data = Float32Array.from({ length: nx * 9 }, (_, at) => Math.sin(at * nx));
      await writeNifti(folder(`${nx}.nii.gz`), { data, size: [nx, 3, 3], affine });
    }
    const hashes = new Map(
      sizes.map((nx) => {
        const bytes = readFileSync(folder(`${nx}.nii.gz`));
        return [nx, createHash('sha256').update(bytes).digest('hex')];
      }),
    );
    for (let turn = 0; turn < 60; turn++) {
      writeFileSync(folder('next'), readFileSync(folder(`${sizes[turn % 3]}.nii.gz`)));
      if (turn === 0) renameSync(folder('next'), folder('image.nii.gz'));
      const reading = readVolume(folder('image.nii.gz'));
      await new Promise((resolve) => setTimeout(resolve, turn % 4));
      if (turn > 0) renameSync(folder('next'), folder('image.nii.gz'));
      const { volume, sha256 } = await reading;
      expect(sha256).toBe(hashes.get(volume.size[0]));
    }
  });

  it('has the hashes of header and voxels where they are two files', async () => {
    const folder = temporaryFolder();
    const header =
      'ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementSpacing = 1 1 1\nElementType = MET_UCHAR\nElementDataFile = a.raw\n';
    writeFileSync(folder('a.mhd'), header);
    const hashes = [];
    for (const last of [8, 9]) {
      writeFileSync(folder('a.raw'), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, last));
      hashes.push((await readVolume(folder('a.mhd'))).sha256);
    }
    expect(hashes[0]).not.toBe(hashes[1]);
  });
});

describe('JSON', () => {
  it.each([
    ['20,000 deep', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['objects 20,000 deep', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
    ['of millions of values', `[${'[],'.repeat(5e6)}[]]`],
    ['that ends early', '{"a": 1'],
  ])('%s is refused', async (_what, text) => {
    const file = temporaryFile('deep.json', text);
    await expect(readJson(file)).rejects.toMatchObject({ code: 'file-corrupt' });
    await expect(readForeignJson(file)).rejects.toMatchObject({ code: 'file-corrupt' });
  });

  it.each([
    ['a text that does not end', `{"a": "${'\\"'.repeat(2e6)}`],
    ['a long text beside NaN', `{"a": NaN, "b": "${'\\"'.repeat(2e6)}"`],
  ])('with %s is refused at once', async (_what, text) => {
    const file = temporaryFile('long.json', text);
    const startMs = performance.now();
    await expect(readForeignJson(file)).rejects.toMatchObject({ code: 'file-corrupt' });
    expect(performance.now() - startMs).toBeLessThan(5000);
  });

  it('of another program is read without what JSON does not know, and its texts as they are', async () => {
    const text = '{"a": NaN, "b": [1, -Infinity,], "c": "NaN, \\"x\\",]", "d": "",}';
    const { value } = await readForeignJson(temporaryFile('foreign.json', text));
    expect(value).toEqual({ a: null, b: [1, null], c: 'NaN, "x",]', d: '' });
  });

  it('is not taken for deep by what stands in its texts', () => {
    const text = JSON.stringify({ a: '[{'.repeat(1000), b: '\\"[[' });
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});

describe('a pickle', () => {
  const protocol = [0x80, 2];

  it('of millions of empty lists is refused', () => {
    const bytes = Buffer.concat([Buffer.from(protocol), Buffer.alloc(2 ** 23, ']')]);
    expect(() => parsePickle(bytes, 'a.pkl')).toThrow(/more than \d+ operations/);
  });

  it('whose array is its own shape is no array', () => {
    // An object of _reconstruct, remembered, whose state names it as its shape.
    const bytes = Buffer.concat([
      Buffer.from(protocol),
      Buffer.from('cnumpy.core.multiarray\n_reconstruct\n)Rq\x00(K\x01h\x00NNNtb.', 'latin1'),
    ]);
    expect(numbersOf(parsePickle(bytes, 'a.pkl'))).toBeUndefined();
  });
});

describe('a table', () => {
  it('of which every line is wrong is refused with some lines and a count', async () => {
    const file = temporaryFile('cohort.csv', `case,edss\n${'a,much\n'.repeat(60_000)}`);
    const refusal = await readCohort(file).catch((error: Error) => error);
    expect(refusal).toMatchObject({ code: 'bad-table' });
    expect((refusal as Error).message).toMatch(/and 119979 more$/);
    expect((refusal as Error).message.length).toBeLessThan(2000);
  });

  it.each([
    ['lines', 'case\n'.repeat(200_000)],
    ['columns', `${'participant_id,'.repeat(100_000)}x`],
  ])('of too many %s is refused at once', async (_what, text) => {
    const file = temporaryFile('cohort.csv', text);
    await expect(readCohort(file)).rejects.toMatchObject({ code: 'bad-table' });
  });

  it('of problems is listed as it is where it is short', () => {
    expect(listed(['a', 'b'], '; ')).toBe('a; b');
  });
});

describe('files that come with the program', () => {
  it('are used as they came only', async () => {
    expect(await readShippedJson('schemas/findings-1.schema.json')).toHaveProperty('$defs');
    expect((await readShippedImage('models/head-atlas/brain.nii.gz')).volume.size).toHaveLength(3);
    await expect(
      requireShipped('models/head-atlas/brain.nii.gz', 'a'.repeat(64)),
    ).rejects.toMatchObject({ code: 'file-corrupt' });
    await expect(requireShipped('toString', 'a'.repeat(64))).rejects.toThrow();
  });
});

describe('the source', () => {
  it('opens files for reading in one place', () => {
    const source = fileURLToPath(new URL('../../src', import.meta.url));
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
    const opening =
      /import \{[^}]*\b(readFile|readFileSync|createReadStream|open|openSync|readSync|openPromise)\b[^}]*\} from '(node:fs(\/promises)?|yauzl)'/;
    const found = files
      .filter(
        (file) => file.endsWith('.ts') && opening.test(readFileSync(join(source, file), 'utf8')),
      )
      .sort();
    expect(found).toEqual([
      'formats/open-file.ts',
      // The file that it has just made.
      'formats/write-whole.ts',
      // What the gateway has written into its own store, and the state of its own processes.
      'gateway/child.ts',
      'gateway/intake.ts',
      'gateway/journal.ts',
      'gateway/receiver.ts',
      'gateway/version-of-study.ts',
      // Its own notes of prepared heads.
      'synthesize/prepare-heads.ts',
      // package.json, before anything else is loaded.
      'version.ts',
    ]);
  });
});
