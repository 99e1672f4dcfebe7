import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitions } from '../../dist/evaluate/definitions.js';
import { evaluatePair } from '../../dist/evaluate/evaluate-pair.js';
import { pairMasks } from '../../dist/evaluate/mask-pair.js';
import { readTransform, readVolume } from '../../dist/formats/index.js';
import { readJson } from '../../dist/formats/read-json.js';
import { changeClasses } from '../../dist/quantify/change.js';
import { changeRule } from '../../dist/quantify/classify-change.js';
import { compareExams } from '../../dist/quantify/compare-exams.js';
import { pairSensitivity, requireSameNetwork } from '../../dist/quantify/pair-sensitivity.js';
import { readResult } from '../../dist/quantify/read-result.js';
import { voxelVolumeMm3 } from '../../dist/volume/affine.js';
import { connectedComponents } from '../../dist/volume/components.js';
import { resample } from '../../dist/volume/resample.js';
import { maskWhere, toFloat32 } from '../../dist/volume/volume.js';
import { WorkerPool } from '../../dist/workers.js';
import { dawson } from './dawson.js';
import { subtraction } from './subtraction.js';

/** What counts as change, in the experts' mask as well: lesions that came, went, grew or shrank. */
const changed = ['new', 'enlarged', 'shrunken', 'disappeared'];
const numbers = new Set(changed.map((name) => 1 + changeClasses.indexOf(name)));

/** Pairs of visits of which experts marked the change, with the sequences that both visits have. */
const pairs = [
  { person: 'open-ms-01', sequences: ['flair', 't2', 't1'] },
  { person: 'open-ms-03', sequences: ['flair', 't2'] },
];
const studies = ['study1', 'study2'];

/**
 * Pairs of visits against what experts marked as change, by the MSSEG-2 rule on the publisher's common
 * grid. Beside each other: a plain subtraction, the lesions' masks compared, and `dawson track`.
 * @param results where the segmented exams are kept; else they are made anew
 */
export async function realPairs({ data, segmenter, model, results }) {
  const folder = results ?? mkdtempSync(join(tmpdir(), 'dawson-bench-'));
  const rows = [];
  try {
    for (const { person, sequences } of pairs) {
      const exam = join(data, 'exams', person);
      const chosen = [
        ...(segmenter ? ['--segmenter', segmenter] : []),
        ...(model ? ['--model', model] : []),
      ];
      const { visits, change } = tracked(exam, sequences, join(folder, person), chosen);
      rows.push(...(await againstExperts(person, exam, visits, change)));
    }
  } finally {
    if (!results) rmSync(folder, { recursive: true });
  }
  console.log('\npair        method         F1  precision  recall  found  right of called');
  for (const { person, method, scores } of rows) {
    const { f1, precision, recall } = scores;
    const cells = [f1, precision, recall].map((value) =>
      (value ?? Number.NaN).toFixed(2).padStart(8),
    );
    console.log(`${person.padEnd(12)}${method.padEnd(12)}${cells.join('')}  ${inCounts(scores)}`);
  }
  for (const method of new Set(rows.map((row) => row.method))) {
    const own = rows.filter((row) => row.method === method);
    const mean = own.reduce((sum, { scores }) => sum + (scores.f1 ?? 0), 0) / own.length;
    console.log(`mean F1 ${method}: ${mean.toFixed(2)}`);
  }
}

/**
 * How small a new lesion may be to be seen in these pairs, by lesions painted at places of two seeds: the
 * second are those that the first says something about.
 */
export async function realSensitivity({ data, results }) {
  const folder = results ?? mkdtempSync(join(tmpdir(), 'dawson-bench-'));
  const pool = new WorkerPool(2);
  const run = { pool, stage: (_, work) => work(() => {}) };
  try {
    for (const { person, sequences } of pairs) {
      const { visits, change } = tracked(
        join(data, 'exams', person),
        sequences,
        join(folder, person),
      );
      const [comparison] = (await readJson(join(change, 'change.json'))).consecutive;
      const [previous, current] = await Promise.all(visits.map(measured));
      const { settings } = (await readResult(visits[1])).findings;
      const engine = { device: 'cpu', threads: 2 };
      await requireSameNetwork(settings, engine, run);
      const { currentToPrevious } = comparison;
      const pair = { previous, current, currentToPrevious, rule: changeRule };
      for (const seed of [1, 2]) {
        const seen = await pairSensitivity({ ...pair, seed }, engine, run);
        const { brightness, byVolume, seenFromMm3 } = seen;
        const sum = (of) => byVolume.reduce((all, row) => all + row[of], 0);
        const counts = byVolume.map((row) => `${row.volumeMm3}: ${row.found}/${row.painted}`);
        console.log(
          `${person} seed ${seed}: brightness ${brightness.toFixed(2)}, ${counts.join(', ')}; of all ` +
            `${(sum('found') / sum('painted')).toFixed(2)}, seen from ${seenFromMm3?.toFixed(0) ?? '-'} mm3`,
        );
      }
    }
  } finally {
    await pool.close();
    if (!results) rmSync(folder, { recursive: true });
  }
}

/** Both visits segmented and compared; exams that are there are not segmented again. */
function tracked(exam, sequences, folder, chosen = []) {
  const visits = studies.map((study) => join(folder, study));
  for (const [at, study] of studies.entries()) {
    if (existsSync(visits[at])) continue;
    const images = sequences.flatMap((name) => [`--${name}`, join(exam, study, `${name}.nii.gz`)]);
    dawson('segment', ...images, '--out', visits[at], '--no-report', ...chosen);
  }
  const change = join(folder, 'change');
  dawson('track', ...visits.flatMap((visit) => ['--exam', visit]), '--out', change);
  return { visits, change };
}

async function againstExperts(person, exam, visits, change) {
  const { volume: experts } = await readVolume(join(exam, 'change.nii.gz'));
  const { volume: brain } = await readVolume(join(exam, 'brain.nii.gz'));
  const toFlair = [];
  for (const study of studies) {
    toFlair.push(await readTransform(join(exam, study, 'flair-to-common.txt')));
  }
  const reference = maskWhere(experts, (value) => value !== 0);
  const onCommon = (volume, visit, interpolation = 'nearest') =>
    resample(volume, experts, { toMoving: toFlair[visit], interpolation });
  const flairs = [];
  for (const [visit, study] of studies.entries()) {
    const { volume } = await readVolume(join(exam, study, 'flair.nii.gz'));
    flairs.push(onCommon(toFloat32(volume), visit, 'linear'));
  }
  const document = await readJson(join(change, 'change.json'));
  const [comparison] = document.consecutive;
  const [previous, current] = await Promise.all(visits.map(measured));
  const masks = compareExams(previous, current, comparison.currentToPrevious, changeRule);
  const calls = {
    subtraction: subtraction(...flairs, brain),
    masks: onCommon(masks.map, 1),
    track: onCommon((await readVolume(join(change, 'change.nii.gz'))).volume, 1),
  };
  console.log(`\n${person}: called by masks ${JSON.stringify(masks.counts)}`);
  console.log(`${person}: called by track ${JSON.stringify(comparison.counts)}`);
  const predictions = Object.entries(calls).map(([method, map]) => ({
    method,
    mask: maskWhere(map, (value) => (method === 'subtraction' ? value !== 0 : numbers.has(value))),
  }));
  printChanges(reference, predictions, [
    onCommon(previous.lesions, 0),
    onCommon(current.lesions, 1),
  ]);
  return predictions.map(({ method, mask }) => ({
    person,
    method,
    scores: evaluatePair(pairMasks(reference, mask), definitions.msseg2).lesionwise,
  }));
}

async function measured(folder) {
  const { findings, ...volumes } = await readResult(folder);
  const { volume: probability } = await readVolume(join(folder, 'probability.nii.gz'));
  return {
    ...volumes,
    probability,
    list: findings.lesions,
    lesionRule: findings.settings.lesionRule,
  };
}

/** Each change that the experts marked, and how much of it each method calls changed. */
function printChanges(reference, predictions, marked) {
  const names = predictions.map(({ method }) => method);
  console.log(['mm3', ...names, 'before', 'now'].map((name) => name.padStart(12)).join(''));
  const { labels, count, sizesVoxels } = connectedComponents(reference, 6);
  const mm3 = voxelVolumeMm3(reference.affine);
  for (let label = 1; label <= count; label++) {
    const share = ({ data }) => {
      let voxels = 0;
      labels.data.forEach((own, at) => {
        if (own === label && data[at] !== 0) voxels++;
      });
      return (voxels / sizesVoxels[label]).toFixed(2);
    };
    const masks = [...predictions.map(({ mask }) => mask), ...marked];
    const cells = [(mm3 * sizesVoxels[label]).toFixed(0), ...masks.map(share)];
    console.log(cells.map((cell) => cell.padStart(12)).join(''));
  }
}

const inCounts = (scores) => JSON.stringify(scores);
