import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readVolume, writeNifti } from '../../dist/formats/index.js';
import { readJson } from '../../dist/formats/read-json.js';
import { changeClasses } from '../../dist/quantify/change.js';
import { changeRule } from '../../dist/quantify/classify-change.js';
import { compareExams } from '../../dist/quantify/compare-exams.js';
import { lesionLabels } from '../../dist/quantify/lesion-labels.js';
import { findLesions } from '../../dist/quantify/lesions.js';
import { listHeads, readLesionLibrary } from '../../dist/synthesize/prepare-heads.js';
import { applyToPoint, invert, multiply, voxelSizeMm } from '../../dist/volume/affine.js';
import { toFloat32 } from '../../dist/volume/volume.js';
import { dawson } from './dawson.js';
import { syntheticPair } from './synthetic-pair.js';

const classes = ['new', 'disappeared', 'enlarged', 'shrunken', 'stable'];
/** Lower ends of the sizes, mm3, by which recall is listed. */
const sizes = [14, 50, 100, 200, 500];

/** The masks known: precision and recall of the classes, and what was seen where nothing changed. */
export const knownMasks = (flags) =>
  syntheticPairs(flags, {}, (pair) => {
    const start = process.cpuUsage();
    const result = compared(pair);
    const { user, system } = process.cpuUsage(start);
    return { ...result, seconds: (user + system) / 1e6 };
  });

/** The same through `dawson segment` and `dawson track`: whole heads, of which the program sees the FLAIR alone. */
export const foundMasks = (flags) =>
  syntheticPairs(flags, { wholeHead: true }, async ({ visits }) => {
    const folder = mkdtempSync(join(tmpdir(), 'dawson-bench-'));
    try {
      const exams = [];
      for (const [visit, { flair }] of visits.entries()) {
        const file = join(folder, `flair${visit}.nii.gz`);
        const out = join(folder, `exam${visit}`);
        await writeNifti(file, flair);
        // The generator draws contrasts that no scanner has, and heads of unusual size.
        dawson('segment', '--flair', file, '--out', out, '--no-report', '--ignore-quality');
        const { volume: lesions } = await readVolume(join(out, 'lesions.nii.gz'));
        const { lesions: list } = await readJson(join(out, 'findings.json'));
        exams.push({ folder: out, lesions, list });
      }
      const [previous, current] = exams;
      const start = performance.now();
      const change = join(folder, 'change');
      dawson('track', '--exam', previous.folder, '--exam', current.folder, '--out', change);
      const seconds = (performance.now() - start) / 1000;
      const { consecutive } = await readJson(join(change, 'change.json'));
      return { previous, current, change: consecutive[0], seconds };
    } catch (error) {
      if (error.exitStatus === undefined) throw error;
      return undefined;
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

async function syntheticPairs({ data, cache, first, pairs, json }, options, compare) {
  const folder = join(data, 'synthesis');
  const sources = {
    headFiles: await listHeads(folder),
    library: await readLesionLibrary(folder),
    cacheFolder: cache,
  };
  const measured = [];
  for (let n = 0; n < 2 * Number(pairs); n++) {
    const seed = Number(first) + n;
    const changes = n % 2 === 0;
    const pair = await syntheticPair(seed, { changes, ...options, ...sources });
    const result = await compare(pair);
    if (!result) {
      console.log(`${seed}: refused`);
      continue;
    }
    const { change, seconds } = result;
    measured.push({ seed, changes, counts: change.counts, seconds, ...scored(pair, result) });
    if (json) console.log(JSON.stringify(measured.at(-1)));
    if (n % 10 === 9) console.error(`${n + 1} of ${2 * Number(pairs)} pairs`);
  }
  printPairs(measured);
}

function compared({ visits }) {
  const [previous, current] = visits.map(({ flair, brain, lesions }) => {
    const probability = toFloat32(lesions);
    const lesionRule = { threshold: 0.5, minimumVolumeMm3: 0, connectivity: 26 };
    const { list } = findLesions(probability, lesionRule);
    return { flair, brain, lesions, probability, list, lesionRule };
  });
  // Known as well: how exact registration is does not belong here.
  const currentToPrevious = multiply(invert(visits[0].pose), visits[1].pose);
  return {
    previous,
    current,
    change: compareExams(previous, current, currentToPrevious, changeRule),
  };
}

/**
 * Looks up for each group which true lesion it is, and lists both. A true lesion has the classes of its
 * groups; one too small for the rule to judge counts only where the lesion has no other.
 */
function scored({ visits, truth }, { previous, current, change }) {
  const partsOf = truth.volumesMl.map(() => []);
  const sides = [
    { ids: 'previousIds', exam: previous, pose: visits[0].pose },
    { ids: 'currentIds', exam: current, pose: visits[1].pose },
  ].map((side) => ({ ...side, truthOf: trueLesions(side, truth) }));
  const found = change.lesions.map((lesion) => {
    const votes = new Map();
    for (const { ids, truthOf } of sides) {
      for (const id of lesion[ids]) {
        for (const [label, voxels] of truthOf[id]) {
          votes.set(label, (votes.get(label) ?? 0) + voxels);
        }
      }
    }
    const [[label] = [0]] = [...votes].sort((a, b) => b[1] - a[1]);
    partsOf[label].push(lesion);
    const volumesMl = truth.volumesMl[label];
    return {
      found: lesion.changeClass,
      truth: label ? trueClass(volumesMl) : 'nothing',
      volumesMl,
      lesion,
    };
  });
  const classesOf = (label) => {
    const judged = partsOf[label].filter(
      ({ previousVolumeMl, currentVolumeMl }) =>
        1000 * Math.max(previousVolumeMl, currentVolumeMl) >= changeRule.minimumVolumeMm3,
    );
    const parts = judged.length > 0 ? judged : partsOf[label];
    return [...new Set(parts.map(({ changeClass }) => changeClass))].sort();
  };
  const truths = truth.volumesMl.slice(1).map((volumesMl, at) => ({
    truth: trueClass(volumesMl),
    volumesMl,
    sizeMm3: 1000 * Math.max(...volumesMl),
    found: classesOf(at + 1).join('+') || 'not marked',
  }));
  return {
    found,
    truths,
    voxelSizesMm: visits.map(({ flair }) => voxelSizeMm(flair.affine)),
  };
}

/** For each lesion of an exam, the true lesions under its voxels and how often. */
function trueLesions({ exam, pose }, { labels }) {
  const own = lesionLabels(exam.lesions, 26, exam.list);
  const toBody = multiply(invert(labels.affine), multiply(pose, own.affine));
  const counts = Array.from({ length: exam.list.length + 1 }, () => new Map());
  const [nx, ny] = own.size;
  own.data.forEach((id, voxel) => {
    if (id === 0) return;
    const index = [voxel % nx, Math.floor(voxel / nx) % ny, Math.floor(voxel / (nx * ny))];
    const [i, j, k] = applyToPoint(toBody, index).map(Math.round);
    const label = labels.data[i + labels.size[0] * (j + labels.size[1] * k)] ?? 0;
    if (label !== 0) counts[id].set(label, (counts[id].get(label) ?? 0) + 1);
  });
  return counts;
}

function trueClass([from, to]) {
  if (from === 0) return 'new';
  if (to === 0) return 'disappeared';
  if (to - from >= 0.3 * from) return 'enlarged';
  return to - from <= -0.3 * from ? 'shrunken' : 'stable';
}

const percent = (part, all) => (all === 0 ? '-' : `${((100 * part) / all).toFixed(1)} %`);

const row = (cells) =>
  console.log(cells.map((cell, n) => String(cell).padEnd(n === 0 ? 14 : 12)).join(''));

/** The tables over all pairs. */
function printPairs(measured) {
  const changed = measured.filter(({ changes }) => changes);
  const unchanged = measured.filter(({ changes }) => !changes);
  const found = changed.flatMap((pair) => pair.found);
  const truths = changed.flatMap((pair) => pair.truths);
  console.log(`${changed.length} pairs with change, ${unchanged.length} without`);
  console.log('\nPrecision: of the groups called so, those that are (lesions of any size)');
  row(['class', 'called', 'right', 'precision', 'wrong ones are']);
  for (const name of classes) {
    const called = found.filter((group) => group.found === name);
    const right = called.filter((group) => group.truth === name).length;
    const wrong = tally(
      called.filter(({ truth }) => truth !== name),
      'truth',
    );
    row([name, called.length, right, percent(right, called.length), wrong]);
  }
  for (const least of sizes) {
    console.log(`\nRecall of true lesions of ${least} mm3 and more in either exam`);
    row(['class', 'true', 'found', 'recall', 'others are called']);
    for (const name of classes) {
      const own = truths.filter(({ truth, sizeMm3 }) => truth === name && sizeMm3 >= least);
      const right = own.filter((lesion) => lesion.found === name).length;
      const others = tally(
        own.filter((lesion) => lesion.found !== name),
        'found',
      );
      row([name, own.length, right, percent(right, own.length), others]);
    }
  }
  console.log('\nPairs in which nothing changed, and of them those with a group called');
  for (const name of changeClasses) {
    row([name, unchanged.filter(({ counts }) => counts[name] > 0).length]);
  }
  const mean = (of) => measured.reduce((sum, pair) => sum + of(pair), 0) / measured.length;
  console.log(
    `\n${mean((pair) => pair.truths.length).toFixed(1)} lesions a pair; ` +
      `${mean(({ seconds }) => seconds).toFixed(2)} s to compare one (known masks: of CPU)`,
  );
}

/** How often each value occurs, in words. */
function tally(items, key) {
  const counts = {};
  for (const item of items) counts[item[key]] = (counts[item[key]] ?? 0) + 1;
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
