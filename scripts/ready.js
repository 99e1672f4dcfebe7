// Installs and builds what is missing, so that `npm run demo` and `npm test` work on a fresh clone.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function newestMs(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestMs(join(path, name))),
    0,
  );
}

function run(what, args) {
  console.error(`${what} …`);
  const { status, error } = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) console.error(`npm could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

const installed = join(root, 'node_modules', '.package-lock.json');
if (newestMs(installed) < newestMs(join(root, 'package-lock.json'))) {
  run('Installing the pinned dependencies', ['ci', '--no-progress']);
}
const built = join(root, 'dist', '.built');
const sources = [
  'src',
  'models',
  'schemas',
  'scripts/build.js',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
];
if (
  newestMs(built) < Math.max(...sources.map((path) => newestMs(join(root, path)))) ||
  !existsSync(built)
) {
  run('Building', ['run', '--silent', 'build']);
}
