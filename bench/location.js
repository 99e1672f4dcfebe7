// Regions of lesions whose region is known by construction, with the true anatomy, with the atlas and
// with the anatomy network, whose training saw all heads but every fifth.
//
//   npm run bench -- location [--data FOLDER] [--cache FOLDER] [--sweep]
//
// In every synthetic head, posed, shaped and imaged at random, single ellipsoids are placed: touching
// the ventricles; touching the cortex and far from the ventricles; in brainstem or cerebellum; in
// white matter farther than 6 mm from cortex and ventricles. The atlas is laid onto the FLAIR of the
// whole head as in an exam. Heads with odd numbers are for choosing the atlas's distances (--sweep
// prints the agreement for a range of them), those with even numbers for the tables.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isForValidation } from '../dist/experiments/own-networks/default-networks.js';
import { openAnatomyNetwork } from '../dist/preprocess/anatomy-network.js';
import { placeAtlas, readHeadAtlas } from '../dist/preprocess/head-atlas.js';
import {
  anatomyFromAtlas,
  readRegionAtlas,
  toMidlineSpace,
  withVentriclesOf,
} from '../dist/preprocess/region-atlas.js';
import { lesionRegions, locateLesions } from '../dist/quantify/location.js';
import { anatomyOfTissue } from '../dist/synthesize/anatomy-of-tissues.js';
import { noLesions } from '../dist/synthesize/lesions.js';
import { patchGrid, renderPatch, samplePatch } from '../dist/synthesize/patch.js';
import { listHeads, prepareHead, readLesionLibrary } from '../dist/synthesize/prepare-heads.js';
import { applyToPoint, identity, invert } from '../dist/volume/affine.js';
import { anatomyLabel } from '../dist/volume/anatomy-labels.js';
import { distanceTransformMm } from '../dist/volume/distance.js';
import { seededRandom } from '../dist/volume/random.js';
import { onGrid } from '../dist/volume/volume.js';
import { WorkerPool } from '../dist/workers.js';

const { values: flags } = parseArgs({
  options: {
    data: {
      type: 'string',
      default: fileURLToPath(new URL('../../shared/data/synthesis', import.meta.url)),
    },
    cache: { type: 'string', default: fileURLToPath(new URL('../cache/heads', import.meta.url)) },
    sweep: { type: 'boolean', default: false },
  },
});
const size = [128, 150, 128];
const voxelMm = 1.5;
const perRegion = 10;
const farMm = 6;
const radiiMm = { least: 1.5, most: 5 };
const leastMm3 = 10;

/** A posed head: its FLAIR and its anatomy on one grid. */
function imageOf(random, head, library) {
  const sampled = samplePatch(random, head, library, 64);
  const parameters = {
    ...sampled,
    centreMm: applyToPoint(invert(sampled.geometry.toHead), head.brainCentreMm),
    lesions: noLesions,
    stripping: undefined,
    sequences: { flair: sampled.sequences.flair },
  };
  const grid = patchGrid(parameters, size, voxelMm);
  const { images, tissues } = renderPatch(parameters, head, library, size, voxelMm);
  return {
    flair: onGrid(grid, images.flair),
    anatomy: onGrid(
      grid,
      tissues.map((tissue) => anatomyOfTissue[tissue]),
    ),
  };
}

/** Places lesions of every region that touch no other lesion; ids from 1 on, truth by id - 1. */
function placeLesions(random, anatomy) {
  const { data } = anatomy;
  const maskOf = (...labels) =>
    onGrid(
      anatomy,
      Uint8Array.from(data, (label) => (labels.includes(label) ? 1 : 0)),
    );
  const toVentricles = distanceTransformMm(maskOf(anatomyLabel.ventricles)).data;
  const toCortex = distanceTransformMm(maskOf(anatomyLabel.cortex)).data;
  const isWhite = (at) => data[at] === anatomyLabel.whiteMatter;
  const isBelow = (at) =>
    data[at] === anatomyLabel.brainstem || data[at] === anatomyLabel.cerebellum;
  // For each region: where lesions start, and where they may lie.
  const placements = {
    periventricular: [(at) => isWhite(at) && toVentricles[at] <= voxelMm, isWhite],
    'cortical-juxtacortical': [
      (at) => isWhite(at) && toCortex[at] <= voxelMm && toVentricles[at] > farMm,
      (at) => isWhite(at) && toVentricles[at] > farMm,
    ],
    infratentorial: [isBelow, isBelow],
    'deep-white-matter': [
      (at) => isWhite(at) && toVentricles[at] > farMm + 1 && toCortex[at] > farMm + 1,
      (at) => isWhite(at) && toVentricles[at] > farMm && toCortex[at] > farMm,
    ],
  };
  const labels = new Int32Array(data.length);
  const list = [];
  const truth = [];
  for (const [region, [starts, allowed]] of Object.entries(placements)) {
    const seeds = [];
    for (let at = 0; at < data.length; at++) if (starts(at)) seeds.push(at);
    for (let tried = 0, placed = 0; placed < perRegion && tried < 200 && seeds.length; tried++) {
      const voxels = ellipsoid(random, seeds[random.integer(seeds.length)]).filter(allowed);
      if (voxels.length * voxelMm ** 3 < leastMm3 || voxels.some((at) => touches(labels, at)))
        continue;
      for (const at of voxels) labels[at] = list.length + 1;
      list.push({
        id: list.length + 1,
        sizeVoxels: voxels.length,
        volumeMl: (voxels.length * voxelMm ** 3) / 1000,
      });
      truth.push(region);
      placed++;
    }
  }
  return { labels: onGrid(anatomy, labels), list, truth };
}

function ellipsoid(random, centre) {
  const radii = [0, 1, 2].map(
    () => radiiMm.least + (radiiMm.most - radiiMm.least) * random.uniform(),
  );
  const voxels = [];
  const reach = Math.ceil(radiiMm.most / voxelMm);
  for (let z = -reach; z <= reach; z++) {
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        const scaled = [x, y, z].map((steps, axis) => (voxelMm * steps) / radii[axis]);
        if (Math.hypot(...scaled) > 1) continue;
        const at = centre + x + size[0] * (y + size[1] * z);
        if (at >= 0 && at < size[0] * size[1] * size[2]) voxels.push(at);
      }
    }
  }
  return voxels;
}

function touches(labels, at) {
  for (const step of [0, 1, size[0], size[0] * size[1]]) {
    if (labels[at + step] || labels[at - step]) return true;
  }
  return false;
}

/** Lesions look as in a FLAIR: brighter than anything else in the brain. */
function brightenInPlace(flair, labels) {
  let highest = 0;
  for (let at = 0; at < flair.length; at += 97) highest = Math.max(highest, flair[at]);
  for (let at = 0; at < flair.length; at++) if (labels[at]) flair[at] = 0.7 * highest;
}

function printTable(title, rows, found) {
  const right = rows.filter((row) => row[found] === row.truth).length;
  console.log(
    `\n${title}: ${right} of ${rows.length}, ${((100 * right) / rows.length).toFixed(1)} %`,
  );
  console.table(
    Object.fromEntries(
      lesionRegions.map((truth) => [
        truth,
        Object.fromEntries(
          lesionRegions.map((region) => [
            region,
            rows.filter((row) => row.truth === truth && row[found] === region).length,
          ]),
        ),
      ]),
    ),
  );
}

const headAtlas = await readHeadAtlas();
const regionAtlas = await readRegionAtlas();
const library = await readLesionLibrary(flags.data);
const pool = new WorkerPool(1);
const anatomyNetwork = await openAnatomyNetwork({ device: 'cpu', threads: 2 });
const rows = [];
let seconds = 0;
for (const [index, file] of (await listHeads(flags.data)).entries()) {
  const forChoosing = index % 2 === 0;
  if (forChoosing !== flags.sweep) continue;
  const head = await prepareHead(file, flags.cache);
  const random = seededRandom(7600 + index);
  const { flair, anatomy } = imageOf(random, head, library);
  const { labels, list, truth } = placeLesions(random, anatomy);
  brightenInPlace(flair.data, labels.data);
  const known = locateLesions(labels, list, anatomy, {
    source: 'anatomy-network',
    toMidlineSpace: identity,
  });
  const toAtlas = placeAtlas(flair, headAtlas, { brainExtracted: false });
  const start = process.cpuUsage();
  const atlasAnatomy = withVentriclesOf(flair, anatomyFromAtlas(flair, regionAtlas, toAtlas));
  const byAtlas = locateLesions(labels, list, atlasAnatomy, {
    source: 'atlas',
    toMidlineSpace: toMidlineSpace(toAtlas),
  });
  const used = process.cpuUsage(start);
  seconds = Math.max(seconds, (used.user + used.system) / 1e6);
  // As in an exam: where the network sees no brain, the atlas locates.
  const seen = await anatomyNetwork
    .findAnatomy(flair, headAtlas.brain, toAtlas, { pool })
    .catch(({ details }) => {
      console.error(`${head.name}: the network found ${details.found}`);
    });
  const byNetwork =
    seen &&
    locateLesions(labels, list, seen.labels, {
      source: 'anatomy-network',
      toMidlineSpace: toMidlineSpace(toAtlas),
    });
  for (const [at, region] of truth.entries()) {
    const { distancesMm, region: atlas } = byAtlas.locations[at];
    rows.push({
      truth: region,
      anatomy: known.locations[at].region,
      atlas,
      network: (byNetwork ?? byAtlas).locations[at].region,
      unseen: isForValidation(index),
      distancesMm,
    });
  }
  const agreed = (found) =>
    rows.slice(-truth.length).filter((row) => row[found] === row.truth).length;
  console.error(
    `${head.name}: of ${truth.length} agree with the atlas ${agreed('atlas')}, ` +
      `with the network ${agreed('network')}`,
  );
}
await pool.close();
printTable('True anatomy (rows: truth)', rows, 'anatomy');
printTable('Atlas (rows: truth)', rows, 'atlas');
printTable('Network (rows: truth)', rows, 'network');
printTable(
  'Network, heads that it was not trained on',
  rows.filter(({ unseen }) => unseen),
  'network',
);
console.log(`slowest head: ${seconds.toFixed(1)} s of CPU for anatomy and regions`);

if (flags.sweep) {
  const steps = [0, 1, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6];
  console.log(
    '\nAgreement in % by distance to the ventricles (rows) and to the cortex (columns), mm:',
  );
  const agreement = (ventricles, cortex) => {
    const right = rows.filter(({ truth, atlas, distancesMm }) => {
      if (atlas === 'infratentorial') return truth === atlas;
      if (distancesMm.ventricles <= ventricles) return truth === 'periventricular';
      return (
        truth === (distancesMm.cortex <= cortex ? 'cortical-juxtacortical' : 'deep-white-matter')
      );
    });
    return Number(((100 * right.length) / rows.length).toFixed(1));
  };
  const sweep = steps.map((v) => [v, Object.fromEntries(steps.map((c) => [c, agreement(v, c)]))]);
  console.table(Object.fromEntries(sweep));
}
