import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { settingsOf } from '../src/analysis-options.js';
import { analyze } from '../src/analyze.js';
import { DawsonError } from '../src/errors.js';
import type { Stage } from '../src/stage.js';
import { writeAnalysis } from '../src/write-analysis.js';
import { dawson, temporaryFolder } from './support/dawson.js';
import { writeDemoSlab } from './support/demo-slab.js';

const folder = temporaryFolder();
/** Of 35 mm. */
const flair = join(folder, 'flair.nii.gz');
beforeAll(() => writeDemoSlab(flair));

describe('analyze', () => {
  const [own, command] = [join(folder, 'own'), join(folder, 'command')];
  let said: string;
  beforeAll(async () => {
    const { exitCode, stderr, stdout } = await dawson([
      ...['segment', '--flair', flair, '--out', command],
    ]);
    expect(stderr).not.toContain('expected');
    expect(exitCode).toBe(0);
    said = stdout;
  });

  it('does by itself what the command does, to the same bytes', async () => {
    const analysis = await analyze({ flair });
    await writeAnalysis(own, analysis);
    expect(readdirSync(own).sort()).toEqual(readdirSync(command).sort());
    for (const name of readdirSync(own).filter((name) => name !== 'findings.json')) {
      expect(readFileSync(join(own, name)).equals(readFileSync(join(command, name))), name).toBe(
        true,
      );
    }
    const withoutRun = ({ run: _, ...findings }: { run: unknown }) => findings;
    const [ofOwn, ofCommand] = [own, command].map((out) =>
      withoutRun(JSON.parse(readFileSync(join(out, 'findings.json'), 'utf8'))),
    );
    expect(ofOwn).toEqual(ofCommand);
    expect(analysis.findings.lesionCount).toBeGreaterThan(0);
    expect(analysis.lesions.list).toHaveLength(analysis.findings.lesionCount);
    expect(analysis.probability.size).toEqual(analysis.exam.flair.volume.size);
  });

  it('goes on with a slab of 35 mm, and says how much of the brain is missing', () => {
    expect(said).toMatch(/Severe: About \d+ ml of the brain/);
    const { quality } = JSON.parse(readFileSync(join(command, 'findings.json'), 'utf8'));
    expect(quality[0]).toMatchObject({ code: 'brain-cut-off', severity: 'severe' });
  });

  it.each(['read', 'find the brain'])(
    'stops where it is when the signal says so: %s',
    async (at) => {
      const controller = new AbortController();
      const reason = new DawsonError('interrupted', { expected: 'an end', found: 'a stop' });
      const begun: string[] = [];
      const stage: Stage = (name, work) => {
        begun.push(name);
        if (name === at) queueMicrotask(() => controller.abort(reason));
        return work(() => {});
      };
      const { signal } = controller;
      await expect(analyze({ flair }, { kappa: 0.3 }, { signal, stage })).rejects.toBe(reason);
      expect(begun.at(-1)).toBe(at);
    },
  );

  it('does not begin what is stopped already', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(analyze({ flair: 'nowhere.nii.gz' }, {}, { signal })).rejects.toThrow('stopped');
  });
});

describe('the settings of an analysis', () => {
  it.each([
    [{}, 'lesions'],
    [{ kappa: 0.2 }, 'lst-lga'],
    [{ model: 'folder' }, 'nnunet'],
    [{ segmenter: 'lst-lga' }, 'lst-lga'],
  ] as const)('choose the segmenter: %j gives %s', (options, segmenter) => {
    expect(settingsOf(options)).toMatchObject({ segmenter, alignment: 'affine-to-flair' });
  });

  it.each([
    [{ kappa: 0.2, segmenter: 'lesions' }],
    [{ model: 'folder', segmenter: 'lst-lga' }],
    [{ model: 'folder', kappa: 0.2 }],
  ] as const)('refuse what does not go together: %j', (options) => {
    expect(() => settingsOf(options)).toThrow(DawsonError);
  });
});
