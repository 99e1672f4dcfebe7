import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { demoExam, temporaryFolder } from './support/dawson.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = temporaryFolder();
const installed = join(folder, 'node_modules', 'dawson');
const run = promisify(execFile);

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}
let packed: Packed;

/**
 * Unpacks the package beside links to its dependencies, as npm would install it: without a network,
 * and in a second. It is packed as built (`npm test` builds first): a build of its own would take the
 * compiled code away under other tests.
 */
beforeAll(() => {
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  [packed] = JSON.parse(execFileSync('npm', pack, { cwd: root, encoding: 'utf8' }));
  mkdirSync(installed, { recursive: true });
  const tarball = join(folder, packed.filename);
  execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components', '1']);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '.bin' || name === '.package-lock.json') continue;
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  mkdirSync(join(folder, 'node_modules', '.bin'));
  symlinkSync('../dawson/bin/dawson.js', join(folder, 'node_modules', '.bin', 'dawson'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
});

describe('the package', () => {
  it('is small, and has no source maps without sources', () => {
    expect(packed.size).toBeLessThan(25e6);
    expect(packed.files.filter(({ path }) => /\.(map|built)$/.test(path))).toEqual([]);
  });

  it('has the documentation that errors name', () => {
    const paths = packed.files.map(({ path }) => path);
    const code = paths.filter((path) => path.endsWith('.js'));
    const named = code.flatMap((path) => [
      ...readFileSync(join(installed, path), 'utf8').matchAll(
        /^(?!\s*(?:\*|\/)).*?(docs\/\S+?\.md)/gm,
      ),
    ]);
    expect(named.length).toBeGreaterThan(0);
    expect(named.map(([, name]) => name).filter((name) => !paths.includes(name))).toEqual([]);
  });

  it('is imported, and its functions need nothing but their inputs', async () => {
    const program = `
      import { analyze, DawsonError, evaluateFiles, readVolume, track } from 'dawson';
      const truth = ${JSON.stringify(demoExam('truth'))};
      const { volume } = await readVolume(truth);
      const { dsc, definition } = await evaluateFiles({ reference: truth, prediction: truth });
      const failure = await track(['nowhere', 'elsewhere']).catch((error) => error);
      const known = failure instanceof DawsonError;
      console.log(JSON.stringify({ size: volume.size, dsc, name: definition.name, known, kind: typeof analyze }));`;
    writeFileSync(join(folder, 'program.js'), program);
    const { stdout } = await run(process.execPath, ['program.js'], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({ dsc: 1, name: 'anima', known: true });
  });

  it('has types under which the programs of the README compile', async () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text);
    expect(programs).toHaveLength(2);
    programs.forEach((text, at) => {
      writeFileSync(join(folder, `readme-${at}.ts`), text);
    });
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const options = '--noEmit --strict --skipLibCheck --target es2023 --module nodenext'.split(' ');
    const names = programs.map((_, at) => `readme-${at}.ts`);
    await run(process.execPath, [compiler, ...options, '--types', 'node', ...names], {
      cwd: folder,
    });
  });

  it('runs as a command', async () => {
    const { stdout } = await run('npx', ['--no-install', 'dawson', '--version'], { cwd: folder });
    const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(stdout.trim()).toBe(version);
  });
});
