import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { candidateRules } from '../../src/train/choose-post-processing.js';
import { requirePlansOfFolds } from '../../src/train/start-training.js';
import { plansHash } from '../../src/train/train-fold.js';
import { TrainingFolder } from '../../src/train/training-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';

function folderWith(validation: string): TrainingFolder {
  const path = temporaryFolder();
  mkdirSync(path('fold_0'));
  writeFileSync(path('fold_0', 'validation.json'), validation);
  return new TrainingFolder(path());
}

const judged = (dice: unknown, rules = candidateRules.length) =>
  JSON.stringify({ cases: { a: { dice, diceByRule: Array(rules).fill(0.5) } } });

describe('the folder of a training', () => {
  it('gives the validations of its folds, whatever the names of the cases', async () => {
    expect((await folderWith(judged(0.5)).validations(5)).size).toBe(1);
    const text = judged(0.5).replace('"a"', '"__proto__"');
    const found = (await folderWith(text).validations(5)).get(0)!;
    expect(Object.keys(found.cases)).toEqual(['__proto__']);
  });

  it.each([
    ['null', 'null'],
    ['a list', '[]'],
    ['no cases', '{"cases": null}'],
    ['a case that is null', '{"cases": {"a": null}}'],
    ['a Dice of 2', judged(2)],
    ['a Dice that is a text', judged('1')],
    ['other rules', judged(0.5, 3)],
  ])('refuses %s as a validation', async (_what, text) => {
    await expect(folderWith(text).validations(5)).rejects.toMatchObject({ code: 'file-corrupt' });
  });

  it('says so where files are in the place of folders and folders in that of files', async () => {
    const path = temporaryFolder();
    writeFileSync(path('fold_0'), '');
    const folder = new TrainingFolder(path());
    await expect(folder.begin(0, false)).rejects.toMatchObject({ code: 'output-failed' });
    mkdirSync(path('fold_1', 'validation.json'), { recursive: true });
    await expect(folder.validations(5)).rejects.toMatchObject({ exitCode: 3 });
    mkdirSync(path('plans.json'));
    await expect(folder.writeJson(folder.plans, {})).rejects.toMatchObject({
      code: 'output-exists',
    });
  });

  it('is for folds of the same plans, but for what a cascade takes from them', async () => {
    const plans = { configurations: { '3d_lowres': { patch_size: [8, 8, 8] } } };
    const next = { configurations: { '3d_lowres': { patch_size: [8, 8, 8], next_stage: 'x' } } };
    const other = { configurations: { '3d_lowres': { patch_size: [8, 8, 9] } } };
    const folder = folderWith(judged(0.5).replace('{', `{"plans": "${plansHash(plans)}",`));
    await requirePlansOfFolds(plans, folder);
    await requirePlansOfFolds(next, folder, 1);
    await requirePlansOfFolds(other, folder, 0);
    await expect(requirePlansOfFolds(other, folder, 1)).rejects.toMatchObject({
      code: 'inputs-conflict',
      message: expect.stringContaining('fold 0'),
    });
    // Folders of earlier versions do not say.
    await requirePlansOfFolds(other, folderWith(judged(0.5)));
  });
});
