import { afterAll, describe, expect, it } from 'vitest';
import { argmax } from '../../../src/model/lesion-rule.js';
import type { ModelFolder } from '../../../src/model/model-folder.js';
import type { Predict } from '../../../src/model/sliding-window.js';
import { softmax } from '../../../src/network/index.js';
import type { PreparedExam } from '../../../src/preprocess/prepared-exam.js';
import { findLesions } from '../../../src/quantify/lesions.js';
import {
  defaultNnunetOptions,
  predictCase,
  segmentAsRead,
  segmentNnunet,
} from '../../../src/segment/nnunet/nnunet.js';
import type { Mat4 } from '../../../src/volume/affine.js';
import { reorient } from '../../../src/volume/reorient.js';
import { onGrid, type Size } from '../../../src/volume/volume.js';
import { WorkerPool } from '../../../src/workers.js';
import { smallModel } from './nnunet-model.js';

const pool = new WorkerPool(1);
afterAll(() => pool.close());
const options = { ...defaultNnunetOptions, pool };

const size: Size = [22, 26, 18];
const affine: Mat4 = [0.9, 0, 0, -10, 0, 0.9, 0, -12, 0, 0, 2, -8, 0, 0, 0, 1];

/** A bright ball in a noisy ball, in a dark field: (x, y, z) in voxels. */
function phantom(): { exam: PreparedExam; ball: Uint8Array } {
  const grid = { size, affine };
  const flair = new Float32Array(22 * 26 * 18);
  const brain = new Uint8Array(flair.length);
  const ball = new Uint8Array(flair.length);
  let at = 0;
  for (let z = 0; z < size[2]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[0]; x++, at++) {
        const inBrain = Math.hypot(x - 10, y - 13, 2 * (z - 9)) < 9;
        const inBall = Math.hypot(x - 7, y - 15, 2 * (z - 9)) < 3;
        flair[at] = inBall ? 900 : 300 + ((at * 7919) % 41);
        brain[at] = inBrain ? 1 : 0;
        ball[at] = inBall ? 1 : 0;
      }
    }
  }
  return { exam: { flair: onGrid(grid, flair), brain: onGrid(grid, brain) }, ball };
}

/** A network that takes bright for lesion: logits -z and z - 4 of the standardised first channel. */
const bright: Predict = async (patch) => {
  const voxels = patch.length / 2;
  const scores = new Float32Array(2 * voxels);
  for (let at = 0; at < voxels; at++) {
    scores[at] = -8 * patch[at];
    scores[voxels + at] = 8 * (patch[at] - 4);
  }
  return scores;
};

const names = ['FLAIR', 'T1'];

describe('segmentNnunet', () => {
  it('finds what its network finds, on the grid of the exam, and nothing outside of the brain', async () => {
    const { exam, ball } = phantom();
    const model = smallModel(names, [2, 0.9, 0.9], [18, 26, 22]);
    const { probability, rule, notes } = await segmentNnunet(exam, model, [bright], options);
    const { data } = findLesions(probability, rule).mask;
    expect(data).toEqual(ball);
    expect(
      probability.data.every((p, at) => p >= 0 && p <= 1 && (p === 0 || exam.brain.data[at] === 1)),
    ).toBe(true);
    expect(notes.map(({ text }) => text)).toEqual([
      'The T1 is missing: the network works without it.',
    ]);
  });

  it('finds the same at another spacing, to the resolution of that', async () => {
    const { exam, ball } = phantom();
    const model = smallModel(names, [1, 1.2, 1.2], [36, 20, 16]);
    const { probability } = await segmentNnunet(exam, model, [bright], options);
    const { data } = findLesions(probability, model.rule).mask;
    let [both, either] = [0, 0];
    for (let at = 0; at < data.length; at++) {
      both += data[at] & ball[at];
      either += data[at] + ball[at];
    }
    expect((2 * both) / either).toBeGreaterThan(0.85);
  });

  it('does not depend on the orientation of the exam', async () => {
    const { exam } = phantom();
    const model = { ...smallModel(names, [2, 0.9, 0.9], [18, 26, 22]), orientation: 'LPS' };
    const turned: PreparedExam = {
      flair: reorient(exam.flair, 'SAL'),
      brain: reorient(exam.brain, 'SAL'),
    };
    const straight = await segmentNnunet(exam, model, [bright], options);
    const back = reorient(
      (await segmentNnunet(turned, model, [bright], options)).probability,
      'RAS',
    );
    expect(back.data).toEqual(straight.probability.data);
  });

  it('averages logits, or probabilities where the model says so', async () => {
    const { exam } = phantom();
    const constant =
      (logit: number): Predict =>
      async (patch) =>
        new Float32Array(patch.length).fill(logit, patch.length / 2);
    const model = smallModel(names, [2, 0.9, 0.9], [18, 26, 22]);
    const inside = exam.brain.data.indexOf(1);
    const of = async (average: 'logits' | 'probabilities') =>
      (await segmentNnunet(exam, { ...model, average }, [constant(6), constant(-2)], options))
        .probability.data[inside];
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    expect(await of('logits')).toBeCloseTo(sigmoid(2), 5);
    expect(await of('probabilities')).toBeCloseTo((sigmoid(6) + sigmoid(-2)) / 2, 5);
  });

  it('names a channel that the model cannot do without', async () => {
    const { exam } = phantom();
    const model = { ...smallModel(names, [2, 0.9, 0.9], [18, 26, 22]), optionalChannels: [] };
    await expect(segmentNnunet(exam, model, [bright], options)).rejects.toMatchObject({
      code: 'inputs-conflict',
      message: expect.stringContaining('without T1'),
    });
  });

  it.each([1e6, -1e6, 1e30])('finds the same but for one voxel of %s', async (value) => {
    const { exam, ball } = phantom();
    const place = 10 + 22 * (13 + 26 * 9);
    const flair = onGrid(exam.flair, exam.flair.data.slice());
    flair.data[place] = value;
    const model = smallModel(names, [2, 0.9, 0.9], [18, 26, 22]);
    const spoilt = { ...exam, flair };
    const { probability, rule } = await segmentNnunet(spoilt, model, [bright], options);
    const { data } = findLesions(probability, rule).mask;
    for (let at = 0; at < data.length; at++) if (at !== place) expect(data[at]).toBe(ball[at]);
  });

  it('fails for a sequence of one intensity', async () => {
    const { exam } = phantom();
    const flair = onGrid(exam.flair, new Float32Array(exam.brain.data.length).fill(7));
    const model = smallModel(names, [2, 0.9, 0.9], [18, 26, 22]);
    await expect(segmentNnunet({ ...exam, flair }, model, [bright], options)).rejects.toMatchObject(
      { code: 'bad-intensities' },
    );
  });

  it('says where the rule of the model depends on more than the contrast', async () => {
    const { exam } = phantom();
    const { plan, ...model } = smallModel(names, [2, 0.9, 0.9], [18, 26, 22]);
    const channels = plan.channels.map((channel) => ({
      ...channel,
      scheme: 'NoNormalization' as const,
    }));
    const unscaled = { ...model, plan: { ...plan, channels } };
    const { notes } = await segmentNnunet(exam, unscaled, [bright], options);
    expect(notes.map(({ text }) => text)).toContain(
      'The model’s FLAIR (NoNormalization) depends on zero and unit of the intensities, as nnU-Net’s rule is.',
    );
  });

  it('says that there is no brain', async () => {
    const { exam } = phantom();
    const nothing = { ...exam, brain: onGrid(exam.flair, new Uint8Array(exam.brain.data.length)) };
    const model = smallModel(names, [2, 0.9, 0.9], [18, 26, 22]);
    await expect(segmentNnunet(nothing, model, [bright], options)).rejects.toMatchObject({
      code: 'segmentation-failed',
    });
  });
});

describe('a plan whose spacing is no sensible one', () => {
  it.each([1e-4, 900])('is refused: %s mm', async (mm) => {
    const { exam } = phantom();
    const model = smallModel(names, [2, 0.9, 0.9], [18, 26, 22]);
    const plan = { ...model.plan, spacingMm: [mm, mm, mm] as const };
    await expect(segmentNnunet(exam, { ...model, plan }, [bright], options)).rejects.toMatchObject({
      code: 'out-of-memory',
    });
  });
});

describe('softmax', () => {
  it('sums to 1 and does not overflow', () => {
    const p = softmax(Float32Array.of(1000, 0, 1000, Math.log(3)), 2);
    expect(p[0] + p[2]).toBeCloseTo(1, 6);
    expect(p[3]).toBeCloseTo(0.75, 6);
  });
});

describe('the rule of a model', () => {
  const row = (values: number[]) =>
    onGrid(
      { size: [values.length, 1, 1], affine: [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] },
      Float32Array.from(values),
    );
  const rule = argmax;
  it('takes voxels from the threshold on', () => {
    expect([...findLesions(row([0.49, 0.5, 0.9]), rule).mask.data]).toEqual([0, 1, 1]);
  });
  it('removes components up to the minimum volume', () => {
    const map = row([1, 0, 1, 1, 0, 1, 1, 1]);
    expect([...findLesions(map, { ...rule, minimumVolumeMm3: 4 }).mask.data]).toEqual([
      0, 0, 0, 0, 0, 1, 1, 1,
    ]);
  });
  it('keeps only the largest component where it is told to', () => {
    const map = row([1, 1, 0, 1, 1, 1, 0, 1]);
    expect([...findLesions(map, { ...rule, keepLargest: true }).mask.data]).toEqual([
      0, 0, 0, 1, 1, 1, 0, 0,
    ]);
  });
});

describe('segmentAsRead', () => {
  const { exam } = phantom();
  const sequence = { file: 'flair.nii.gz', sha256: '', volume: reorient(exam.flair, 'LPS') };
  const model = smallModel(names, [2, 0.9, 0.9], [18, 26, 22]);
  const opened = { model, plans: { image_reader_writer: 'SimpleITKIO' } } as ModelFolder;

  it('gives the network the images as they lie, and leaves what it finds anywhere', async () => {
    const asRead = { flair: sequence };
    const { probability, notes } = await segmentAsRead(asRead, opened, [bright], options);
    const channels = [sequence.volume, undefined];
    const { lesion } = await predictCase(channels, model, [bright], options);
    expect(probability.data).toEqual(lesion.data);
    expect(probability.affine).toEqual(sequence.volume.affine);
    expect(Math.max(...probability.data)).toBeGreaterThan(0.5);
    expect(notes.map(({ code }) => code)).toEqual(['sequence-missing', 'axes-as-they-lie']);
  });

  it('turns them where the model’s reader did, and back', async () => {
    const turns = { ...opened, plans: { image_reader_writer: 'NibabelIOWithReorient' } };
    const { probability, notes } = await segmentAsRead(
      { flair: sequence },
      turns as ModelFolder,
      [bright],
      options,
    );
    const { lesion } = await predictCase([exam.flair, undefined], model, [bright], options);
    expect(probability.data).toEqual(reorient(lesion, 'LPS').data);
    expect(notes.map(({ code }) => code)).toEqual(['sequence-missing']);
  });

  it('refuses images on several grids, naming the file', async () => {
    const t1 = { file: 't1.nii.gz', sha256: '', volume: exam.flair };
    const work = segmentAsRead({ flair: sequence, t1 }, opened, [bright], options);
    await expect(work).rejects.toMatchObject({
      code: 'inputs-conflict',
      message: expect.stringContaining('t1.nii.gz'),
    });
  });
});
