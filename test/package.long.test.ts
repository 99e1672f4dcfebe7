import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWithData, sharedData } from './support/shared-data.js';
import { temporaryFolder } from './support/temporary-folder.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const flair = sharedData('exams', 'open-ms-01', 'study2', 'flair.nii.gz');

/** Run it under another Node to try that one: `PATH=NODE/bin:$PATH npm run test:long -- package`. */
describeWithData('the package, installed from its file', () => {
  it('finds in a raw exam what the command finds', () => {
    const folder = temporaryFolder()('elsewhere');
    mkdirSync(folder, { recursive: true });
    const [{ filename }] = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
        cwd: root,
        encoding: 'utf8',
      }),
    );
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    const inFolder = { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', `./${filename}`], inFolder);
    const program = `
      import { analyze } from 'dawson';
      const { findings } = await analyze({ flair: ${JSON.stringify(flair)} });
      console.log(JSON.stringify(findings.lesions));`;
    writeFileSync(join(folder, 'program.js'), program);
    const imported = JSON.parse(execFileSync(process.execPath, ['program.js'], inFolder));
    execFileSync(
      'npx',
      ['--no-install', 'dawson', 'segment', '--flair', flair, '--out', 'result', '--quiet'],
      inFolder,
    );
    const written = JSON.parse(readFileSync(join(folder, 'result', 'findings.json'), 'utf8'));
    expect(imported).toEqual(written.lesions);
    expect(imported.length).toBeGreaterThan(0);
  });
});
