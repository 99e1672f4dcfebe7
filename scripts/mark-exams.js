// Marks exams that no expert marked, where networks are sure, for `npm run train:defaults -- lesions --mixed --beside`:
//
//   node scripts/mark-exams.js --out FOLDER --weights FILE [--weights FILE ...] EXAM_FOLDER ...
//
// Each EXAM_FOLDER holds flair and perhaps t2 and t1 (.nii.gz), and becomes a folder in FOLDER with links to these,
// `lesions.nii.gz` where the mean probability of the networks is at least 0.8, and `unknown.nii.gz` where it lies
// between that and 0.1: there nothing is learned.
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeNifti } from '../dist/formats/index.js';
import { readSafetensors } from '../dist/formats/safetensors.js';
import { ownModels } from '../dist/model/own-model.js';
import { Engine, loadPredictor } from '../dist/network/index.js';
import { openAnatomyNetwork } from '../dist/preprocess/anatomy-network.js';
import { readExam, sequenceNames } from '../dist/preprocess/exam.js';
import { prepare } from '../dist/preprocess/prepare.js';
import { predictLesions, windowShape } from '../dist/segment/lesions/lesion-network.js';
import { weightsOfState } from '../dist/train/checkpoint.js';
import { maskWhere, nonZeroVolumeMl, onGrid } from '../dist/volume/volume.js';
import { WorkerPool } from '../dist/workers.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' }, weights: { type: 'string', multiple: true } },
});
const sure = 0.8;
const surelyNot = 0.1;
const { plan } = ownModels.lesions;
const pool = new WorkerPool(2);
const engine = new Engine({ device: 'cpu', threads: 1 });
const anatomy = await openAnatomyNetwork({ device: 'cpu', threads: 1 });
const run = { pool, stage: (_, work) => work(() => {}) };
const predictors = [];
for (const file of values.weights) {
  const { tensors } = await readSafetensors(file);
  const weights = weightsOfState(plan, Object.fromEntries(tensors));
  predictors.push(await loadPredictor(engine, plan, weights, windowShape));
}
for (const folder of positionals) {
  const files = Object.fromEntries(
    sequenceNames
      .map((name) => [name, resolve(folder, `${name}.nii.gz`)])
      .filter(([, file]) => existsSync(file)),
  );
  const { exam } = await readExam(files);
  const options = { alignment: 'affine-to-flair', brainExtracted: false, registered: false };
  const prepared = (await prepare(exam, options, run, anatomy)).exam;
  const mean = new Float32Array(prepared.flair.data.length);
  for (const { predict } of predictors) {
    const { data } = await predictLesions(prepared, predict, { pool });
    for (let at = 0; at < mean.length; at++) mean[at] += data[at] / predictors.length;
  }
  const probability = onGrid(prepared.flair, mean);
  const lesions = maskWhere(probability, (p) => p >= sure);
  const unknown = maskWhere(probability, (p) => p > surelyNot && p < sure);
  const out = join(values.out, `${basename(dirname(resolve(folder)))}-${basename(folder)}`);
  mkdirSync(out, { recursive: true });
  for (const [name, file] of Object.entries(files)) symlinkSync(file, join(out, `${name}.nii.gz`));
  await writeNifti(join(out, 'lesions.nii.gz'), lesions);
  await writeNifti(join(out, 'unknown.nii.gz'), unknown);
  const [ml, open] = [lesions, unknown].map((mask) => nonZeroVolumeMl(mask).toFixed(2));
  console.log(`${out}: ${ml} ml lesions, ${open} ml unknown`);
}
await engine.close();
await pool.close();
