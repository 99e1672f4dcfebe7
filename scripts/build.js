// Compiles src/ into dist/, notes the hashes of the files that the program reads, and leaves a stamp there that says when the last whole build ended.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
const dist = fileURLToPath(new URL('dist/', root));
rmSync(`${dist}.built`, { force: true });
const compiler = fileURLToPath(new URL('node_modules/typescript/bin/tsc', root));
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: fileURLToPath(root),
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);
// What was compiled from a file that is gone would else be packed.
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const source = name.replace(/\.(js|d\.ts)(\.map)?$/, '.ts');
  if (source !== name && !existsSync(new URL(`src/${source}`, root))) rmSync(`${dist}${name}`);
}
const shipped = ['models', 'schemas'].flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => statSync(new URL(name, root)).isFile()),
);
const hashOf = (name) =>
  createHash('sha256')
    .update(readFileSync(new URL(name, root)))
    .digest('hex');
const hashes = Object.fromEntries(shipped.sort().map((name) => [name, hashOf(name)]));
writeFileSync(`${dist}shipped.json`, `${JSON.stringify(hashes, null, 2)}\n`);
writeFileSync(`${dist}.built`, `${new Date().toISOString()}\n`);
