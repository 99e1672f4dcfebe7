// npm run bench -- registration [--data FOLDER] [SECTION...]
// SECTION: known, pairs, starts, tumour, strangers, time; all of them without one.
// Where native elastix is on the PATH it runs beside ours. Takes about half an hour in all.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readTransform, readVolume } from '../dist/formats/index.js';
import { identity, invert, multiply } from '../dist/volume/affine.js';
import { seededRandom } from '../dist/volume/random.js';
import { toFloat32 } from '../dist/volume/volume.js';
import { WorkerPool } from '../dist/workers.js';
import { elastixVersion, registerWithElastix } from './registration-elastix.js';
import {
  headPoints,
  plainMutualInformation,
  pointError,
  randomRigid,
} from './registration-measures.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: fileURLToPath(new URL('../../shared/data', import.meta.url)) },
  },
});
const data = (...path) => join(flags.data, ...path);
const withElastix = elastixVersion() !== undefined;
const pool = new WorkerPool(2);
const register = (fixed, moving, dof) =>
  pool.call(new URL('../dist/preprocess/register.js', import.meta.url), 'register', [
    fixed,
    moving,
    { dof },
  ]);
const load = async (file) => toFloat32((await readVolume(file)).volume);

/** open-ms exams whose T1 and T2 have a reference transform to the FLAIR. */
const studies = [
  'open-ms-01/study1',
  'open-ms-01/study2',
  'open-ms-03/study2',
  'open-ms-04/study1',
];
const pairs = studies.flatMap((study) =>
  ['t1', 't2'].map((name) => ({
    label: `${study} ${name}`,
    fixedFile: data('exams', study, 'flair.nii.gz'),
    movingFile: data('exams', study, `${name}.nii.gz`),
    referenceFile: data('exams', study, `${name}-to-flair.txt`),
  })),
);

const mm = (value) => value.toFixed(3);
const rmsAndMax = ({ rms, max }) => `${mm(rms)} / ${mm(max)}`;

/** Heads that were moved by a known transform: to the truth under 0.5 mm RMS. */
async function known() {
  const fixedFile = data('exams/open-ms-04/study1/t1.nii.gz');
  const fixed = await load(fixedFile);
  const points = headPoints(fixed);
  const rows = [];
  for (const kind of ['rigid', 'affine']) {
    const movingFile = data(`registration/moved-t1-${kind}.nii.gz`);
    const truth = await readTransform(data(`registration/moved-t1-${kind}-truth.txt`));
    const moving = await load(movingFile);
    const peer = withElastix && (await registerWithElastix(fixedFile, movingFile));
    for (const dof of kind === 'rigid' ? [6, 12] : [12]) {
      const ours = await register(fixed, moving, dof);
      const row = { head: `moved ${kind}`, dof };
      row['before, mm RMS / max'] = rmsAndMax(pointError(points, identity, truth));
      row['ours, mm RMS / max'] = rmsAndMax(pointError(points, ours.fixedToMoving, truth));
      if (peer) {
        const theirs = dof === 6 ? peer.rigid : peer.affine;
        row['elastix, mm RMS / max'] = rmsAndMax(pointError(points, theirs, truth));
      }
      rows.push(row);
    }
  }
  console.table(rows);
}

/** T1 and T2 to FLAIR: error against the reference, and mutual information by one plain measure. */
async function againstReference() {
  const rows = [];
  for (const { label, fixedFile, movingFile, referenceFile } of pairs) {
    const [fixed, moving] = await Promise.all([load(fixedFile), load(movingFile)]);
    const reference = await readTransform(referenceFile);
    const points = headPoints(fixed);
    const information = (map) => plainMutualInformation(points, fixed, moving, map).toFixed(4);
    const peer = withElastix && (await registerWithElastix(fixedFile, movingFile));
    for (const dof of [6, 12]) {
      const ours = (await register(fixed, moving, dof)).fixedToMoving;
      const row = { pair: label, dof };
      row['ours, mm RMS / max'] = rmsAndMax(pointError(points, ours, reference));
      const theirs = peer && (dof === 6 ? peer.rigid : peer.affine);
      if (peer) row['elastix, mm RMS / max'] = rmsAndMax(pointError(points, theirs, reference));
      row['MI identity'] = information(identity);
      row['MI reference'] = information(reference);
      row['MI ours'] = information(ours);
      if (peer) row['MI elastix'] = information(theirs);
      rows.push(row);
    }
  }
  console.table(rows);
}

/** 40 starts up to 15 degrees and 20 mm away: how many end within 1 mm RMS of the unmoved start. */
async function starts() {
  const rows = [];
  for (const { label, fixedFile, movingFile } of pairs) {
    const [fixed, moving] = await Promise.all([load(fixedFile), load(movingFile)]);
    const points = headPoints(fixed);
    const centre = [0, 1, 2].map((axis) => points.reduce((s, p) => s + p[axis], 0) / points.length);
    for (const dof of [6, 12]) {
      const unmoved = (await register(fixed, moving, dof)).fixedToMoving;
      const random = seededRandom(20);
      const errors = await Promise.all(
        Array.from({ length: 40 }, async () => {
          const by = randomRigid(random, centre, 15, 20);
          const elsewhere = { ...moving, affine: multiply(by, moving.affine) };
          const { fixedToMoving } = await register(fixed, elsewhere, dof).catch(() => ({
            fixedToMoving: identity,
          }));
          return pointError(points, multiply(invert(by), fixedToMoving), unmoved).rms;
        }),
      );
      rows.push({
        pair: label,
        dof,
        'within 1 mm of 40': errors.filter((error) => error <= 1).length,
        'worst, mm RMS': mm(Math.max(...errors)),
      });
    }
  }
  console.table(rows);
}

/** A head with a tumour that turned between sequences: distance from elastix's result. */
async function tumour() {
  const fixedFile = data('exams/tcga-fg-6692/flair.nii.gz');
  const fixed = await load(fixedFile);
  const points = headPoints(fixed);
  const rows = [];
  for (const name of ['t1', 't2']) {
    const movingFile = data(`exams/tcga-fg-6692/${name}.nii.gz`);
    const moving = await load(movingFile);
    const peer = withElastix && (await registerWithElastix(fixedFile, movingFile));
    for (const dof of [6, 12]) {
      const ours = (await register(fixed, moving, dof)).fixedToMoving;
      const row = { sequence: name, dof };
      row['head moved by, mm RMS / max'] = rmsAndMax(pointError(points, ours, identity));
      if (peer) {
        const theirs = dof === 6 ? peer.rigid : peer.affine;
        row['from elastix, mm RMS / max'] = rmsAndMax(pointError(points, ours, theirs));
      }
      rows.push(row);
    }
  }
  console.table(rows);
}

/** Sequences of one person and of different people: how the criterion of failure separates them. */
async function strangers() {
  const folders = [...studies, 'tcga-fg-6692'];
  const person = (folder) => folder.split('/')[0];
  const [own, others] = [[], []];
  for (const one of folders) {
    const fixed = await load(data('exams', one, 'flair.nii.gz'));
    for (const other of folders) {
      for (const name of ['t1', 't2']) {
        const moving = await load(data('exams', other, `${name}.nii.gz`));
        // A refusal says its sharpness in percent; the criterion is the same with 12.
        const sharpness = await register(fixed, moving, 6).then(
          (registration) => registration.sharpness,
          ({ details }) => Number(details.found.match(/(\d+) %/)[1]) / 100,
        );
        (person(one) === person(other) ? own : others).push(sharpness);
      }
    }
  }
  console.table([
    { pairs: 'of one person', count: own.length, 'least sharpness': Math.min(...own).toFixed(2) },
    {
      pairs: 'of two people',
      count: others.length,
      'greatest sharpness': Math.max(...others).toFixed(2),
    },
  ]);
}

/** T1 and T2 of one exam at once, images in memory; elastix reads its own files. */
async function time() {
  const [{ fixedFile }] = pairs;
  const movingFiles = pairs.slice(0, 2).map((pair) => pair.movingFile);
  const fixed = await load(fixedFile);
  const moving = await Promise.all(movingFiles.map(load));
  const seconds = async (body) => {
    const started = performance.now();
    await body();
    return (performance.now() - started) / 1000;
  };
  const rows = [];
  for (const dof of [6, 12]) {
    const cold = new WorkerPool(2);
    const ours = await seconds(() =>
      Promise.all(
        moving.map((image) =>
          cold.call(new URL('../dist/preprocess/register.js', import.meta.url), 'register', [
            fixed,
            image,
            { dof },
          ]),
        ),
      ),
    );
    await cold.close();
    const row = { dof, 'ours, s': ours.toFixed(2) };
    if (withElastix) {
      const theirs = await seconds(() =>
        Promise.all(movingFiles.map((file) => registerWithElastix(fixedFile, file, { dof }))),
      );
      row['elastix, s'] = theirs.toFixed(1);
      row.ratio = (theirs / ours).toFixed(1);
    }
    rows.push(row);
  }
  console.table(rows);
}

const sections = { known, pairs: againstReference, starts, tumour, strangers, time };
const chosen = positionals.length > 0 ? positionals : Object.keys(sections);
console.log(withElastix ? `beside elastix ${elastixVersion()}` : 'elastix is not on the PATH');
for (const name of chosen) {
  console.log(`\n${name}`);
  await sections[name]();
}
await pool.close();
