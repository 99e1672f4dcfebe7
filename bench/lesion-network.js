// The lesion network against the experts' masks:
//
//   npm run bench -- lesion-network [--weights FILE] [--data FOLDER] [--threshold P] [--out FOLDER]
//
// FILE holds weights or is a checkpoint of `npm run train:defaults`; the default is the network that
// comes with the program. Without --threshold its own rule makes the lesions. FOLDER of the data holds
// lesions/CASE/{flair,t1,t2,lesions}.nii.gz.
// Lesion-wise figures by the definition `anima`. "outside" is the volume of found voxels that the
// experts did not mark. "best DSC" is what the best threshold for this very case would give.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { definitions } from '../dist/evaluate/definitions.js';
import { evaluatePair } from '../dist/evaluate/evaluate-pair.js';
import { pairMasks } from '../dist/evaluate/mask-pair.js';
import { writeNifti } from '../dist/formats/index.js';
import { readSafetensors } from '../dist/formats/safetensors.js';
import { msseg, ruleForImage } from '../dist/model/lesion-rule.js';
import { openShippedModel } from '../dist/model/open-model.js';
import { Engine, loadPredictor, requireWeights } from '../dist/network/index.js';
import { findLesions } from '../dist/quantify/lesions.js';
import { predictLesions, windowShape } from '../dist/segment/lesions/lesion-network.js';
import { weightsOfState } from '../dist/train/checkpoint.js';
import { candidateRules, diceByRule } from '../dist/train/choose-post-processing.js';
import { WorkerPool } from '../dist/workers.js';
import { readRealCase, realCases } from './support/real-dataset.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    weights: { type: 'string', default: at('../models/lesions/fold_0.safetensors') },
    data: { type: 'string', default: at('../../shared/data') },
    threshold: { type: 'string' },
    out: { type: 'string' },
    threads: { type: 'string', default: '2' },
  },
});
const own = await openShippedModel('lesions');
const { tensors, metadata } = await readSafetensors(flags.weights);
const isCheckpoint = metadata.schema === 'dawson-checkpoint';
const plan = own.network;
const weights = requireWeights(
  isCheckpoint ? weightsOfState(plan, Object.fromEntries(tensors)) : tensors,
  plan,
  flags.weights,
);
if (metadata.epochs) console.log(`checkpoint after ${metadata.epochs} epochs`);
const engine = new Engine({ device: 'cpu', threads: Number(flags.threads) });
const pool = new WorkerPool(1);
const predictor = await loadPredictor(engine, plan, weights, windowShape);

const sets = [['flair', 't2', 't1'], ['flair', 't1'], ['flair']];
console.log(
  'case, sequences'.padEnd(34) +
    '   DSC  recall precis.     F1  ml / experts  outside ml   best DSC at   seconds',
);
for (const name of realCases) {
  const { exam: all, experts } = await readRealCase(flags.data, name);
  for (const set of sets) {
    if (!set.every((sequence) => all[sequence])) continue;
    const exam = Object.fromEntries(set.map((sequence) => [sequence, all[sequence]]));
    const start = process.cpuUsage();
    const probability = await predictLesions(
      { ...exam, brain: all.brain },
      (patch) => predictor.predict(patch),
      { pool },
    );
    const { user, system } = process.cpuUsage(start);
    const rule = flags.threshold
      ? { ...msseg, threshold: Number(flags.threshold) }
      : ruleForImage(own.card.rule, probability);
    const { dsc, volumes, lesionwise } = evaluatePair(
      pairMasks(experts, findLesions(probability, rule).mask),
      definitions.anima,
    );
    const best = [...diceByRule(probability, experts)]
      .map((dsc, index) => ({ dsc, threshold: candidateRules[index].threshold }))
      .reduce((a, b) => (b.dsc > a.dsc ? b : a));
    const outsideMl =
      volumes.predictionMl - (dsc * (volumes.predictionMl + volumes.referenceMl)) / 2;
    const number = (value, digits = 3) => (value ?? Number.NaN).toFixed(digits);
    console.log(
      `${name}, ${set.join('+')}`.padEnd(34) +
        [dsc, lesionwise.recall, lesionwise.precision, lesionwise.f1]
          .map((value) => number(value).padStart(7))
          .join('') +
        `${number(volumes.predictionMl, 1)} / ${number(volumes.referenceMl, 1)}`.padStart(14) +
        number(outsideMl, 2).padStart(12) +
        `${number(best.dsc)} at ${best.threshold}`.padStart(16) +
        number((user + system) / 1e6, 1).padStart(8),
    );
    if (flags.out && set.length === sets.find((s) => s.every((q) => all[q])).length) {
      await writeNifti(join(flags.out, `${name}-probability.nii.gz`), probability);
    }
  }
}
await engine.close();
await pool.close();
