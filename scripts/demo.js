// The main job on the exam that comes with the program: a synthetic one, see demo/README.md.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const out = at('out/demo');
const { status } = spawnSync(
  process.execPath,
  [
    at('bin/dawson.js'),
    'segment',
    ...['flair', 't2', 't1'].flatMap((name) => [`--${name}`, at(`demo/exam/${name}.nii.gz`)]),
    '--out',
    out,
  ],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
