// The main job on the exam that comes with the program: a synthetic one, see demo/README.md.
//
//   npm run demo                             from its NIfTI files
//   npm run demo -- --dicom [siemens]        from DICOM files, made first: siemens, ge or philips
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values: flags, positionals } = parseArgs({
  options: { dicom: { type: 'boolean', default: false } },
  allowPositionals: true,
});

process.exitCode = flags.dicom ? fromDicom(positionals[0] ?? 'siemens') : fromFiles();

function fromFiles() {
  const files = ['flair', 't2', 't1'].flatMap((name) => [
    `--${name}`,
    at(`demo/exam/${name}.nii.gz`),
  ]);
  return node(at('bin/dawson.js'), 'segment', ...files, '--out', at('out/demo'));
}

function fromDicom(vendor) {
  const folder = at('out/demo-dicom-exam');
  rmSync(folder, { recursive: true, force: true });
  return (
    node(at('scripts/make-demo-dicom.js'), folder, vendor) ||
    node(at('bin/dawson.js'), 'dicom', 'list', `${folder}/${vendor}`) ||
    node(
      ...[at('bin/dawson.js'), 'segment', '--dicom', `${folder}/${vendor}`],
      ...['--out', at('out/demo-dicom')],
    )
  );
}

function node(...args) {
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
}
