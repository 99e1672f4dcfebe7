// Trains Dawson's own networks, on synthetic exams and, for lesions, on real ones beside them:
//
//   npm run train:defaults -- lesions|anatomy [--resume] [--continue] [--device cpu|cuda|webgpu]
//       [--threads N] [--workers N] [--data FOLDER] [--weights FILE] [--seed N] [--epochs N] [--rate R]
//   npm run train:defaults -- lesions|anatomy --finish [--version V] [--checkpoint FILE] [--exams N]
//   npm run train:defaults -- lesions --rule [--version V] [--exams N]
//
//   npm run train:defaults -- lesions --mixed [--cases FOLDER ...] [--without NAME,NAME ...] [--resume] [...]
//   npm run train:defaults -- lesions --mixed --finish --without NAME,NAME --without NAME [--version V] [...]
//
// The checkpoint, after every epoch, and the log lie in checkpoints/; a run that was stopped goes on
// with --resume exactly as if it had not been. --continue starts another run, on other exams, from the
// weights in models/ or of --weights, which may be a checkpoint (to resume or finish such a run, --continue is
// given again, and --seed, --epochs and --rate where they were).
// --finish replaces the network in models/ by the averaged weights of the checkpoint; the rule for
// lesions is chosen on synthetic exams of heads that training did not see. --rule chooses it again for
// the weights in models/, and leaves their version as it is unless another is given.
//
// --mixed goes on from the weights in models/ or of --weights on real exams beside synthetic ones. Every
// FOLDER of --cases is a site, whose folders hold flair, lesions and perhaps t2 and t1 (.nii.gz). --without
// --beside FOLDER adds sites that only teach: nobody of them is left out or judged (`scripts/mark-exams.js` makes
// one of exams that no expert marked). --without leaves people out; such a run is a fold, with a checkpoint of its own. With --finish every --without names
// a fold that was trained: the network in models/ becomes the mean of the folds' weights, and its rule is
// chosen on the synthetic exams and on the real ones, each seen by the network that had left it out. The
// folds are kept in models/lesions-folds; where checkpoints/ has none they are taken from there, and
// --weights with one of them goes on without having seen its people.
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  defaultNetworks,
  readAnatomies,
  trainDefault,
} from '../dist/experiments/own-networks/default-networks.js';
import {
  chooseLesionRule,
  judgeSyntheticExams,
} from '../dist/experiments/own-networks/lesion-validation.js';
import {
  meanWeights,
  runName,
  segmentLeftOut,
} from '../dist/experiments/own-networks/real/leave-out.js';
import { preparedCases } from '../dist/experiments/own-networks/real/prepared-case.js';
import { trainingCase } from '../dist/experiments/own-networks/real/training-case.js';
import { readSafetensors, writeSafetensors } from '../dist/formats/safetensors.js';
import { openModelFolder } from '../dist/model/model-folder.js';
import { firstFoldOf } from '../dist/model/model-predictors.js';
import { shippedModelFolder } from '../dist/model/open-model.js';
import { ownModels, writeOwnModel } from '../dist/model/own-model.js';
import { Engine, loadPredictor, requireWeights } from '../dist/network/index.js';
import { openAnatomyNetwork } from '../dist/preprocess/anatomy-network.js';
import { windowShape } from '../dist/segment/lesions/lesion-network.js';
import { weightsOfState } from '../dist/train/checkpoint.js';
import { WorkerPool } from '../dist/workers.js';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    resume: { type: 'boolean', default: false },
    continue: { type: 'boolean', default: false },
    mixed: { type: 'boolean', default: false },
    cases: { type: 'string', multiple: true, default: [at('../shared/data/routine')] },
    beside: { type: 'string', multiple: true, default: [] },
    without: { type: 'string', multiple: true, default: [] },
    finish: { type: 'boolean', default: false },
    rule: { type: 'boolean', default: false },
    exams: { type: 'string', default: '64' },
    version: { type: 'string' },
    device: { type: 'string', default: 'cpu' },
    threads: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    checkpoint: { type: 'string' },
    weights: { type: 'string' },
    seed: { type: 'string' },
    epochs: { type: 'string' },
    rate: { type: 'string' },
    data: { type: 'string', default: at('../shared/data/synthesis') },
  },
});
const [name] = positionals;
if (!Object.hasOwn(defaultNetworks, name ?? '')) {
  throw new Error(`Which network? One of ${Object.keys(defaultNetworks).join(', ')}.`);
}
if ((values.rule || values.mixed) && name !== 'lesions') {
  throw new Error('Only the lesion network has a rule and learns from real exams.');
}
mkdirSync(at('checkpoints'), { recursive: true });
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());
const engine = new Engine(
  { device: values.device, threads: Number(values.threads) },
  stopping.signal,
);
const pool = new WorkerPool(Number(values.workers));
const network = defaultNetworks[name];
const kind = ownModels[name];
const { plan } = kind;
const usual = values.mixed ? network.mixed : values.continue ? network.further : network.first;
const stage = {
  ...usual,
  seed: Number(values.seed ?? usual.seed),
  run: {
    ...usual.run,
    epochs: Number(values.epochs ?? usual.run.epochs),
    learningRate: Number(values.rate ?? usual.run.learningRate),
  },
};
/** The folds of the network in models/: to judge people by, and to go on from, without having seen them. */
const foldsFolder = 'models/lesions-folds';
const folds = values.without.map((names) => names.split(','));
const fileOf = (folder, without) =>
  at(`${folder}/${values.mixed ? runName(values.cases, without) : name}.safetensors`);
const checkpointOf = (without) => values.checkpoint ?? fileOf('checkpoints', without);
try {
  if (values.rule) await renewRule();
  else if (values.finish) await finish();
  else await train();
} catch (error) {
  if (!stopping.signal.aborted) throw error;
  console.error('Stopped. --resume goes on after the last whole epoch.');
  process.exitCode = 130;
} finally {
  await engine.close();
  await pool.close();
}

async function train() {
  const without = folds.flat();
  const checkpointFile = checkpointOf(without);
  const cases = values.mixed ? await realCases([...values.cases, ...values.beside], without) : [];
  if (values.mixed) console.log(`${cases.length} real exams: ${cases.map((one) => one.name)}`);
  await trainDefault(engine, name, stage, {
    dataFolder: values.data,
    cacheFolder: at('cache/heads'),
    checkpointFile,
    logFile: checkpointFile.replace(/\.safetensors$/, '.jsonl'),
    resume: values.resume,
    cases: cases.map(trainingCase),
    initialWeights: values.continue || values.mixed ? await weightsToGoOnFrom() : undefined,
    pool,
    ahead: Math.max(3, 2 * Number(values.workers)),
    signal: stopping.signal,
    onEpoch: ({ epoch, trainingLoss, validationLoss, pseudoDice, seconds, waitingSeconds }) =>
      console.log(
        `epoch ${epoch + 1} of ${stage.run.epochs}: loss ${trainingLoss.toFixed(4)}, ` +
          (validationLoss === undefined
            ? ''
            : `validation ${validationLoss.toFixed(4)}, Dice ${pseudoDice.map((dice) => dice?.toFixed(3))}, `) +
          `${seconds.toFixed(0)} s (waited ${waitingSeconds.toFixed(0)} s)`,
      ),
  });
}

async function realCases(sites, without = []) {
  const anatomy = await openAnatomyNetwork({ device: 'cpu', threads: Number(values.threads) });
  const run = { pool, stage: (_, work) => work(() => {}), signal: stopping.signal };
  return preparedCases(sites, without, at('cache/cases'), anatomy, run);
}

async function weightsToGoOnFrom() {
  if (!values.weights) return firstFoldOf(await openModelFolder(shippedModelFolder(name)));
  const { tensors, metadata } = await readSafetensors(values.weights);
  return metadata.epochs
    ? weightsOfState(plan, Object.fromEntries(tensors))
    : requireWeights(tensors, plan, values.weights);
}

async function trainedWeights(without) {
  const file = checkpointOf(without);
  const { tensors, metadata } = await readSafetensors(
    existsSync(file) ? file : fileOf(foldsFolder, without),
  );
  if (Number(metadata.epochs) < stage.run.epochs) {
    throw new Error(`${file}: ${metadata.epochs} of ${stage.run.epochs} epochs`);
  }
  return weightsOfState(plan, Object.fromEntries(tensors));
}

async function finish() {
  const ofFolds = await Promise.all(folds.map(trainedWeights));
  const weights = folds.length > 0 ? meanWeights(ofFolds) : await trainedWeights([]);
  const cases = values.mixed ? await realCases(values.cases) : [];
  const leftOut = folds.map((without, index) => ({ without, weights: ofFolds[index] }));
  const chosen = name === 'lesions' ? await chooseRule(weights, cases, leftOut) : {};
  const steps = stage.run.epochs * stage.run.stepsPerEpoch;
  const training = {
    data:
      `${values.mixed ? `${cases.length} real exams and ` : ''}synthetic exams of 16 of 20 head label ` +
      `maps and 27 lesion masks; see models/${name}.md`,
    lastRunPatches: steps * stage.step.batchSize,
    lastRunSteps: steps,
    lastRunSeed: stage.seed,
    ...chosen.training,
  };
  const card = { name, version: values.version ?? '0.1.0', ...chosen, training };
  await writeOwnModel(shippedModelFolder(name), card, weights, kind);
  for (const [index, tensors] of ofFolds.entries()) {
    await writeSafetensors(fileOf(foldsFolder, folds[index]), { tensors, metadata: {} }, 'F16');
  }
}

async function renewRule() {
  const opened = await openModelFolder(shippedModelFolder(name));
  const { card } = opened;
  const weights = await firstFoldOf(opened);
  const { rule, training } = await chooseRule(weights, [], []);
  const renewed = {
    ...card,
    version: values.version ?? card.version,
    rule,
    training: { ...card.training, ...training },
  };
  await writeOwnModel(shippedModelFolder(name), renewed, weights, kind);
}

async function chooseRule(weights, cases, leftOut) {
  const exams = Number(values.exams);
  const real = await segmentLeftOut(cases, leftOut, { engine, plan, pool }, console.log);
  const predictor = await loadPredictor(engine, plan, weights, windowShape);
  const anatomies = await readAnatomies(values.data, at('cache/heads'), true);
  const synthetic = await judgeSyntheticExams(anatomies, predictor.predict, {
    exams,
    seed: 1000,
    pool,
    onExam: (index, truthMl) =>
      console.log(`exam ${index + 1} of ${exams}: ${truthMl.toFixed(1)} ml`),
  });
  const { rule, score, reliability, bySize } = chooseLesionRule([
    ...real.map(({ validation }) => validation),
    ...synthetic,
  ]);
  console.log(
    `mean Dice ${score.dice.toFixed(3)}, F1 ${score.detection.toFixed(3)} with ${JSON.stringify(rule)}`,
  );
  for (const { lesions, confidence: said, real } of reliability) {
    console.log(
      `${lesions} lesions of mean confidence ${said.toFixed(2)}: ${real.toFixed(2)} real`,
    );
  }
  for (const { fromMm3, toMm3, lesions, hit, found, real } of bySize) {
    console.log(
      `above ${fromMm3} up to ${toMm3} mm3: ${hit} of ${lesions} lesions found, ${real} of ${found} marks real`,
    );
  }
  return {
    rule,
    training: {
      validationExams: exams,
      ...(cases.length > 0 && { validationRealExams: cases.length }),
      validationDice: Number(score.dice.toFixed(4)),
      validationF1: Number(score.detection.toFixed(4)),
    },
  };
}
