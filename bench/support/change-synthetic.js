import { join } from 'node:path';
import { changeClasses } from '../../dist/quantify/change.js';
import { changeRule } from '../../dist/quantify/classify-change.js';
import { compareExams } from '../../dist/quantify/compare-exams.js';
import { lesionLabels } from '../../dist/quantify/lesion-labels.js';
import { findLesions } from '../../dist/quantify/lesions.js';
import { listHeads, readLesionLibrary } from '../../dist/train/synthesize/prepare-heads.js';
import { applyToPoint, invert, multiply, voxelSizeMm } from '../../dist/volume/affine.js';
import { toFloat32 } from '../../dist/volume/volume.js';
import { syntheticPair } from './synthetic-pair.js';

const scored = ['new', 'disappeared', 'enlarged', 'shrunken', 'stable'];
/** Lower ends of the sizes, mm3, by which recall is listed. */
const sizes = [14, 50, 100, 200, 500];

/** Precision and recall of the classes, and pairs in which something was seen where nothing changed. */
export async function syntheticPairs({ data, cache, first, pairs, json }) {
  const folder = join(data, 'synthesis');
  const sources = {
    headFiles: await listHeads(folder),
    library: await readLesionLibrary(folder),
    cacheFolder: cache,
  };
  const found = [];
  const truths = [];
  const quiet = { pairs: 0, byClass: {} };
  let seconds = 0;
  for (let n = 0; n < 2 * Number(pairs); n++) {
    const seed = Number(first) + n;
    const changes = n % 2 === 0;
    const pair = await syntheticPair(seed, { changes, ...sources });
    const start = process.cpuUsage();
    const result = compared(pair);
    const { user, system } = process.cpuUsage(start);
    seconds += (user + system) / 1e6;
    if (changes) score(pair, result, found, truths, seed);
    else {
      quiet.pairs++;
      for (const name of changeClasses) {
        if (result.change.counts[name] > 0) {
          quiet.byClass[name] = (quiet.byClass[name] ?? 0) + 1;
        }
      }
    }
    if (json) console.log(JSON.stringify({ seed, changes, lesions: result.change.lesions }));
    if (n % 10 === 9) console.error(`${n + 1} of ${2 * Number(pairs)} pairs`);
  }
  print(found, truths, quiet);
  const lesionsAPair = truths.length / Number(pairs);
  console.log(
    `\n${lesionsAPair.toFixed(1)} lesions a pair; ${(seconds / (2 * Number(pairs))).toFixed(2)} s of CPU to compare one`,
  );
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

/** Looks up for each group which true lesion it is, and lists both. */
function score({ visits, truth }, { previous, current, change }, found, truths, seed) {
  const classesOf = truth.volumesMl.map(() => []);
  const sides = [
    { ids: 'previousIds', exam: previous, pose: visits[0].pose },
    { ids: 'currentIds', exam: current, pose: visits[1].pose },
  ].map((side) => ({ ...side, truthOf: trueLesions(side, truth) }));
  for (const lesion of change.lesions) {
    const votes = new Map();
    for (const { ids, truthOf } of sides) {
      for (const id of lesion[ids]) {
        for (const [label, voxels] of truthOf[id]) {
          votes.set(label, (votes.get(label) ?? 0) + voxels);
        }
      }
    }
    const [[label] = [0]] = [...votes].sort((a, b) => b[1] - a[1]);
    classesOf[label].push(lesion);
    found.push({
      found: lesion.changeClass,
      truth: label ? trueClass(truth.volumesMl[label]) : 'nothing',
      lesion,
      seed,
    });
  }
  truth.volumesMl.forEach((volumesMl, label) => {
    if (label === 0) return;
    const lesions = classesOf[label];
    truths.push({
      truth: trueClass(volumesMl),
      volumesMl,
      sizeMm3: 1000 * Math.max(...volumesMl),
      found:
        [...new Set(lesions.map(({ changeClass }) => changeClass))].sort().join('+') ||
        'not marked',
      lesions,
      seed,
      voxels: visits.map(({ flair }) =>
        voxelSizeMm(flair.affine)
          .map((mm) => mm.toFixed(1))
          .join('x'),
      ),
    });
  });
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

function print(found, truths, quiet) {
  const row = (cells) =>
    console.log(cells.map((cell, n) => String(cell).padEnd(n === 0 ? 14 : 12)).join(''));
  console.log('Precision: of the groups called so, those that are (lesions of any size)');
  row(['class', 'called', 'right', 'precision', 'wrong ones are']);
  for (const name of scored) {
    const called = found.filter((group) => group.found === name);
    const right = called.filter((group) => group.truth === name).length;
    const wrong = {};
    for (const { truth } of called) if (truth !== name) wrong[truth] = (wrong[truth] ?? 0) + 1;
    row([name, called.length, right, percent(right, called.length), JSON.stringify(wrong)]);
  }
  for (const least of sizes) {
    console.log(`\nRecall of true lesions of ${least} mm3 and more in either exam`);
    row(['class', 'true', 'found', 'recall', 'others are called']);
    for (const name of scored) {
      const own = truths.filter(({ truth, sizeMm3 }) => truth === name && sizeMm3 >= least);
      const right = own.filter((lesion) => lesion.found === name).length;
      const others = {};
      for (const lesion of own)
        if (lesion.found !== name) others[lesion.found] = (others[lesion.found] ?? 0) + 1;
      row([name, own.length, right, percent(right, own.length), JSON.stringify(others)]);
    }
  }
  console.log(`\nOf ${quiet.pairs} pairs in which nothing changed, those with a group called`);
  for (const name of changeClasses) row([name, quiet.byClass[name] ?? 0]);
}
