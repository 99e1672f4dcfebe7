// Routine exams of a clinic against experts' masks, person by person:
//
//   npm run bench -- routine [--data FOLDER] [--cases FOLDER ...] [--without NAME,NAME ...]
//       [--scanner-out FILE] [--baseline FOLDER] [--exams N] [--maps FOLDER] [--threads N]
//
// Each case, prepared as `dawson segment` does, by
// - LST-LGA;
// - the network of --baseline, the folder of an earlier one, with its own rule, and with a rule that was chosen on
//   the other people and on synthetic exams: what the rule alone brings;
// - person left out: the folds of `npm run train:defaults -- lesions --mixed --without ...`, from checkpoints/, else from models/lesions-folds, given by the same
//   --without here, each case by the network and by a rule that had not this person;
// - scanner left out: FILE, the checkpoint of a run on other sites' cases, and a rule chosen on synthetic exams.
// Rules are chosen on the real exams, and where there are none on N synthetic ones. Lesion-wise figures by the
// definition `anima`. Probability maps, and synthetic exams as each network sees them, are kept in --maps and
// used again.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { definitions } from '../dist/evaluate/definitions.js';
import { evaluatePair } from '../dist/evaluate/evaluate-pair.js';
import { pairMasks } from '../dist/evaluate/mask-pair.js';
import { equivalenceTest } from '../dist/evaluate/statistics/equivalence.js';
import { pairedDifference, tTest } from '../dist/evaluate/statistics/t-test.js';
import { readAnatomies } from '../dist/experiments/own-networks/default-networks.js';
import {
  chooseLesionRule,
  judgeSyntheticExams,
} from '../dist/experiments/own-networks/lesion-validation.js';
import {
  meanWeights,
  rulesWithoutEach,
  runName,
  segmentLeftOut,
} from '../dist/experiments/own-networks/real/leave-out.js';
import { preparedCases } from '../dist/experiments/own-networks/real/prepared-case.js';
import { readSafetensors } from '../dist/formats/safetensors.js';
import { ruleForImage, ruleOfCard } from '../dist/model/lesion-rule.js';
import { ownModels } from '../dist/model/own-model.js';
import { Engine, loadPredictor, requireWeights } from '../dist/network/index.js';
import { openAnatomyNetwork } from '../dist/preprocess/anatomy-network.js';
import { readExam, sequenceNames } from '../dist/preprocess/exam.js';
import { prepare } from '../dist/preprocess/prepare.js';
import { findLesions } from '../dist/quantify/lesions.js';
import { windowShape } from '../dist/segment/lesions/lesion-network.js';
import { segmentLstLga } from '../dist/segment/lst-lga/lst-lga.js';
import { weightsOfState } from '../dist/train/checkpoint.js';
import { WorkerPool } from '../dist/workers.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: at('../../shared/data') },
    cases: { type: 'string', multiple: true },
    without: { type: 'string', multiple: true, default: [] },
    'scanner-out': { type: 'string' },
    baseline: { type: 'string' },
    exams: { type: 'string', default: '24' },
    maps: { type: 'string' },
    threads: { type: 'string', default: '2' },
  },
});
const exams = Number(flags.exams);
const sites = flags.cases ?? [join(flags.data, 'routine')];
const { plan } = ownModels.lesions;
const engine = new Engine({ device: 'cpu', threads: Number(flags.threads) });
const pool = new WorkerPool(2);
const anatomy = await openAnatomyNetwork({ device: 'cpu', threads: 2 });
const run = { pool, stage: (_, work) => work(() => {}) };
const cases = await preparedCases(sites, [], at('../cache/cases'), anatomy, run);

/** Made once, and read again where --maps holds it. */
async function kept(name, make) {
  const file = flags.maps && join(flags.maps, `${name}.v8`);
  if (file && existsSync(file)) return deserialize(readFileSync(file));
  const value = await make();
  if (file) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, serialize(value));
  }
  return value;
}

/** A network as it came with Dawson up to 0.10.0: its plan in the card, and one file of weights. */
async function readEarlier(folder) {
  const { version, rule } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'));
  const { tensors } = await readSafetensors(join(folder, 'weights.safetensors'));
  return { version, rule: ruleOfCard(rule), weights: requireWeights(tensors, plan, folder) };
}

const trained = async (file) =>
  weightsOfState(plan, Object.fromEntries((await readSafetensors(file)).tensors));
const seenBy = (method, folds) =>
  kept(method, () => segmentLeftOut(cases, folds, { engine, plan, pool }));
const byOne = (method, weights) =>
  seenBy(method, [{ without: cases.map(({ name }) => name), weights }]);
const synthetic = (method, weights) =>
  kept(`${method}-synthetic-${exams}`, async () => {
    const { predict } = await loadPredictor(engine, plan, weights, windowShape);
    const anatomies = await readAnatomies(
      join(flags.data, 'synthesis'),
      at('../cache/heads'),
      true,
    );
    return judgeSyntheticExams(anatomies, predict, { exams, seed: 1000, pool });
  });

/** On an exam with the atlas's priors of tissues, as `dawson segment` gives it; a prepared case has none. */
async function segmentByLga({ site, name, experts }) {
  const folder = join(
    sites.find((one) => basename(one) === site),
    name,
  );
  const files = sequenceNames.map((sequence) => [sequence, join(folder, `${sequence}.nii.gz`)]);
  const { exam } = await readExam(Object.fromEntries(files.filter(([, file]) => existsSync(file))));
  const options = { alignment: 'affine-to-flair', brainExtracted: false, registered: false };
  const prepared = (await prepare(exam, options, run, anatomy)).exam;
  const { probability } = segmentLstLga(prepared, { kappa: 0.3 });
  return { name, experts, probability };
}

const figuresOf = (seen, ruleOf) =>
  seen.map(({ name, experts, probability }, index) => {
    const pair = pairMasks(
      experts,
      findLesions(probability, ruleForImage(ruleOf(index), probability)).mask,
    );
    const { dsc, lesionwise, volumes } = evaluatePair(pair, definitions.anima);
    const ratio = volumes.predictionMl / volumes.referenceMl;
    return { name, dsc, f1: lesionwise.f1 ?? 0, ratio, bySize: lesionwise.bySize };
  });

const methods = {};
methods['LST-LGA'] = figuresOf(
  await kept('lst-lga-with-priors', async () => {
    const seen = [];
    for (const one of cases) seen.push(await segmentByLga(one));
    return seen;
  }),
  () => msseg,
);
if (flags.baseline) {
  const { version, rule, weights } = await readEarlier(flags.baseline);
  const seen = await byOne(version, weights);
  methods[version] = figuresOf(seen, () => rule);
  const rules = rulesWithoutEach(seen, await synthetic(version, weights));
  methods[`${version}, rule alone`] = figuresOf(seen, (index) => rules[index]);
}
if (flags['scanner-out']) {
  const weights = await trained(flags['scanner-out']);
  const { rule } = chooseLesionRule(await synthetic('scanner-out', weights));
  methods['scanner left out'] = figuresOf(await byOne('scanner-out', weights), () => rule);
  console.log(`scanner left out: ${JSON.stringify(rule)}`);
}
if (flags.without.length > 0) {
  const foldFile = (without) =>
    ['../checkpoints', '../models/lesions-folds']
      .map((folder) => at(`${folder}/${runName(sites, without)}.safetensors`))
      .find(existsSync);
  const folds = await Promise.all(
    flags.without.map(async (names) => {
      const without = names.split(',');
      return { without, weights: await trained(foldFile(without)) };
    }),
  );
  const seen = await seenBy('person-out', folds);
  const all = meanWeights(folds.map(({ weights }) => weights));
  const rules = rulesWithoutEach(seen, await synthetic('all', all));
  for (const [index, rule] of rules.entries()) {
    console.log(`without ${seen[index].name}: ${JSON.stringify(rule)}`);
  }
  methods['person left out'] = figuresOf(seen, (index) => rules[index]);
}

const cell = ({ dsc, f1, ratio }) => `${dsc.toFixed(3)} ${f1.toFixed(3)} x${ratio.toFixed(2)}`;
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const names = Object.keys(methods);
console.log(
  `\nDSC, F1 and volume as a multiple of the experts'\n\n| case | ${names.join(' | ')} |`,
);
console.log(`|---|${names.map(() => '---|').join('')}`);
for (const [index, { name }] of cases.entries()) {
  console.log(`| ${name} | ${names.map((method) => cell(methods[method][index])).join(' | ')} |`);
}
const summary = names.map((method) => {
  const of = (figure) => methods[method].map((case_) => case_[figure]);
  return cell({ dsc: mean(of('dsc')), f1: mean(of('f1')), ratio: median(of('ratio')) });
});
console.log(`| mean, median of the volumes | ${summary.join(' | ')} |`);

console.log('\nLesions of all cases by size: recall, precision (of how many)\n');
for (const method of names) {
  const rows = methods[method].map(({ bySize }) => bySize);
  const classes = rows[0].map(({ aboveMm3, upToMm3 }, index) => {
    const sum = (count) => rows.reduce((total, row) => total + row[index][count], 0);
    const share = (part, of) => `${(part / of).toFixed(2)} (${of})`;
    return (
      `above ${aboveMm3}${upToMm3 === null ? '' : ` up to ${upToMm3}`} mm3: ` +
      `${share(sum('detectedLesions'), sum('referenceLesions'))}, ` +
      share(sum('confirmedLesions'), sum('predictedLesions'))
    );
  });
  console.log(`${method}: ${classes.join('; ')}`);
}
if (methods['scanner left out'] && methods['person left out']) {
  const [scanner, person] = ['scanner left out', 'person left out'].map((method) =>
    methods[method].map(({ dsc }) => dsc),
  );
  const difference = pairedDifference(scanner, person);
  const { p, confidenceInterval: interval } = tTest(difference);
  const margin = 0.05;
  console.log(
    `\nDSC, scanner less person left out: ${difference.difference.toFixed(3)} ` +
      `(95 % ${interval.map((value) => value.toFixed(3)).join(' to ')}), t-test p = ${p.toFixed(4)}, ` +
      `equivalence within ${margin}: p = ${equivalenceTest(difference, margin).p.toFixed(4)}`,
  );
}
await engine.close();
await pool.close();
