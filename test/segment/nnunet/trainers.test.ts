import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openModelFolder } from '../../../src/model/model-folder.js';
import { predictorsOf } from '../../../src/model/model-predictors.js';
import { Engine } from '../../../src/network/index.js';
import { importNnunet } from '../../../src/segment/nnunet/import-nnunet.js';
import { defaultNnunetOptions, predictCase } from '../../../src/segment/nnunet/nnunet.js';
import { knownTrainers } from '../../../src/segment/nnunet/trainers.js';
import { onGrid, type Size } from '../../../src/volume/volume.js';
import { WorkerPool } from '../../../src/workers.js';
import golden from '../../goldens/segment/nnunet-trainers.json' with { type: 'json' };
import { temporaryFolder } from '../../support/temporary-folder.js';

const pool = new WorkerPool(1);
const engine = new Engine({ device: 'cpu', threads: 1 });
afterAll(() => Promise.all([pool.close(), engine.close()]));

interface Variant {
  readonly trainer: string;
  readonly architecture: string;
  readonly mirrorAxes: readonly number[];
  /** Of every output and every 13th voxel, and nnU-Net's labels; only of networks that were run. */
  readonly probabilities?: readonly number[];
  readonly labels?: string;
}
interface Built {
  readonly variant?: string;
  readonly fails?: string;
}
interface Version {
  readonly classes: Readonly<Record<string, Built>>;
  readonly variants: Readonly<Record<string, Variant>>;
}

const versions: readonly (readonly [1 | 2, Version])[] = [
  [1, golden.v1 as Version],
  [2, golden.v2 as Version],
];
/** nnU-Net v1's base of all trainers has no network. */
const withoutNetwork = 'NetworkTrainer';

/** The image that nnU-Net was given, (z, y, x) as its arrays. */
const channels = (() => {
  const size = golden.shape.toReversed() as unknown as Size;
  const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as const;
  const bytes = Float32Array.from(Buffer.from(golden.image, 'base64'));
  const half = bytes.length / 2;
  return [bytes.slice(0, half), bytes.slice(half)].map((data) => onGrid({ size, affine }, data));
})();

describe.each(versions)('the trainer classes of nnU-Net v%i', (version, { classes, variants }) => {
  const known = knownTrainers[version];

  it('are all known, and no others', () => {
    const names = Object.keys(classes).filter((name) => name !== withoutNetwork);
    expect([...known.keys()].sort()).toEqual(names.sort());
  });

  it('that build the same network are described alike', () => {
    for (const [key, { trainer, mirrorAxes }] of Object.entries(variants)) {
      for (const [name, built] of Object.entries(classes)) {
        if (built.variant !== key) continue;
        expect([name, known.get(name)]).toEqual([name, known.get(trainer)]);
        const network = known.get(name)!;
        if (version === 1 && !('refused' in network)) {
          expect([name, network.unmirrored]).toEqual([name, mirrorAxes.length ? undefined : true]);
        }
      }
    }
  });

  it('whose networks were not built are refused', () => {
    const failed = Object.keys(classes).filter((name) => classes[name].fails);
    const networks = failed
      .filter((name) => name !== withoutNetwork)
      .map((name) => known.get(name));
    expect(networks.filter((network) => !network || !('refused' in network))).toEqual([]);
  });

  const run = Object.values(variants).filter(({ probabilities }) => probabilities);
  it.each(run.map((variant) => [variant.trainer, variant] as const))(
    'give what nnU-Net gives, in the whole image: %s',
    async (name, { probabilities, labels, mirrorAxes }) => {
      const path = temporaryFolder();
      const saved = fileURLToPath(
        new URL(`../../goldens/segment/nnunet-trainers/v${version}/${name}`, import.meta.url),
      );
      await importNnunet(saved, path('model'), { orientation: 'RAS' });
      const opened = await openModelFolder(path('model'));
      expect(opened.model.mirrorAxes).toEqual(mirrorAxes);
      const { folds, release } = predictorsOf(opened, engine);
      const options = { ...defaultNnunetOptions, pool };
      const found = await predictCase(channels, opened.model, folds, options);
      await release();
      const all = found.outputs.flatMap(({ data }) => [...data]);
      let worst = 0;
      for (const [index, expected] of probabilities!.entries()) {
        worst = Math.max(worst, Math.abs(all[13 * index] - expected));
      }
      expect(worst).toBeLessThan(2e-5);
      const theirs = Buffer.from(labels!, 'base64');
      expect(new Set(theirs).size).toBeGreaterThan(1);
      expect(Buffer.from(found.labels.data).equals(theirs)).toBe(true);
    },
  );
});
