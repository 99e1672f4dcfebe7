// The lesion network on synthetic whole brains of heads that training did not see:
//
//   npm run bench -- lesion-network-synthetic [--data FOLDER] [--exams N] [--protocols N] [--threads N]
//
// First, heads without lesions: volume of what is found in them. Then, one exam under many protocols
// (2D of 1.5 to 6 mm in three planes, 3D, contrast of 1.5 and 3 T, noise and artefacts; what is normal in
// the brain stays as it is): how much the volume of the lesions and the Dice similarity vary, with LST-LGA
// beside it. FOLDER holds heads and lesions.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readAnatomies } from '../dist/experiments/own-networks/default-networks.js';
import { ruleForImage } from '../dist/model/lesion-rule.js';
import { firstFoldOf } from '../dist/model/model-predictors.js';
import { openShippedModel } from '../dist/model/open-model.js';
import { Engine, loadPredictor } from '../dist/network/index.js';
import { findLesions } from '../dist/quantify/lesions.js';
import { predictLesions, windowShape } from '../dist/segment/lesions/lesion-network.js';
import { segmentLstLga } from '../dist/segment/lst-lga/lst-lga.js';
import {
  inSlicesOfFlair,
  renderBrainExam,
  sampleBrainExam,
} from '../dist/synthesize/brain-exam.js';
import { noLesions } from '../dist/synthesize/lesions.js';
import { seededRandom } from '../dist/volume/random.js';
import { nonZeroVolumeMl } from '../dist/volume/volume.js';
import { WorkerPool } from '../dist/workers.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: at('../../shared/data/synthesis') },
    exams: { type: 'string', default: '20' },
    protocols: { type: 'string', default: '30' },
    threads: { type: 'string', default: '2' },
  },
});
const { heads, library } = await readAnatomies(flags.data, at('../cache/heads'), true);
const own = await openShippedModel('lesions');
const { rule } = own.card;
const plan = own.network;
const weights = await firstFoldOf(own);
const engine = new Engine({ device: 'cpu', threads: Number(flags.threads) });
const pool = new WorkerPool(1);
const { predict } = await loadPredictor(engine, plan, weights, windowShape);
let refused = 0;
/** In the slices of its FLAIR, as a scanner gives it. */
const rendered = (parameters, head) =>
  inSlicesOfFlair(renderBrainExam(parameters, head, library), parameters);
const found = async ({ exam }) =>
  findLesions(await predictLesions(exam, predict, { pool }), ruleForImage(rule, exam.flair)).mask;

/** Nothing where LST-LGA refuses the exam, such as for the contrast of its T1. */
function foundByLga({ exam, truth }) {
  try {
    const { probability, rule } = segmentLstLga(exam, { kappa: 0.3 });
    return findLesions(probability, rule).mask;
  } catch (error) {
    if (error.code !== 'segmentation-failed') throw error;
    refused++;
    return { ...truth, data: new Uint8Array(truth.data.length) };
  }
}

function dice(a, b) {
  let [both, sum] = [0, 0];
  for (let voxel = 0; voxel < a.data.length; voxel++) {
    both += a.data[voxel] & b.data[voxel];
    sum += a.data[voxel] + b.data[voxel];
  }
  return (2 * both) / sum;
}

const falseMl = [];
for (let n = 0; n < Number(flags.exams); n++) {
  const head = heads[n % heads.length];
  const parameters = sampleBrainExam(seededRandom(5000 + n), head, library, noLesions);
  falseMl.push(nonZeroVolumeMl(await found(rendered(parameters, head))));
  console.log(
    `without lesions ${n + 1}: ${falseMl.at(-1).toFixed(2)} ml (${Object.keys(parameters.sequences)}, ` +
      `FLAIR of ${parameters.sequences.flair.slicing.distanceMm.toFixed(1)} mm)`,
  );
}
const clean = falseMl.filter((ml) => ml <= 0.1).length;
console.log(`at most 0.1 ml of false lesions in ${clean} of ${falseMl.length} exams`);

if (Number(flags.protocols) > 0) await underProtocols();
await engine.close();
await pool.close();

/** Sequences of a protocol that show what is normal in a brain as bright as those of a person's exam do. */
function ofThePerson(protocol, own) {
  return Object.fromEntries(
    Object.entries(protocol).map(([name, sequence]) => {
      const { rim, dirty } = (own[name] ?? own.flair).contrast;
      return [name, { ...sequence, contrast: { ...sequence.contrast, rim, dirty } }];
    }),
  );
}

async function underProtocols() {
  const [head] = heads;
  let exam;
  for (let seed = 6000; !exam; seed++) {
    const sampled = sampleBrainExam(seededRandom(seed), head, library);
    const ml = nonZeroVolumeMl(renderBrainExam(sampled, head, library).truth);
    if (ml > 8 && ml < 25) exam = sampled;
  }
  const rows = { network: [], 'LST-LGA': [] };
  for (let seed = 7000; rows.network.length < Number(flags.protocols); seed++) {
    const other = sampleBrainExam(seededRandom(seed), head, library);
    if (Object.keys(other.sequences).length < 3) continue;
    const sequences = ofThePerson(other.sequences, exam.sequences);
    const brain = rendered({ ...exam, sequences, stripping: other.stripping }, head);
    const masks = { network: await found(brain), 'LST-LGA': foundByLga(brain) };
    for (const [name, mask] of Object.entries(masks)) {
      const dsc = dice(brain.truth, mask);
      rows[name].push({ ml: nonZeroVolumeMl(mask), dsc });
    }
    const { distanceMm, bodyAxis } = sequences.flair.slicing;
    console.log(
      `FLAIR of ${distanceMm.toFixed(1)} mm, axis ${bodyAxis}: ` +
        Object.entries(rows)
          .map(
            ([name, list]) =>
              `${name} ${list.at(-1).ml.toFixed(1)} ml, ${list.at(-1).dsc.toFixed(2)}`,
          )
          .join('; ') +
        `; truth ${nonZeroVolumeMl(brain.truth).toFixed(1)} ml`,
    );
  }
  console.log(
    `LST-LGA refused ${refused} of ${rows.network.length} protocols, which count as nothing found`,
  );
  for (const [name, list] of Object.entries(rows)) {
    const volumes = list.map(({ ml }) => ml);
    const dsc = list.map((row) => row.dsc);
    console.log(
      `${name}: volume ${mean(volumes).toFixed(1)} ml, coefficient of variation ${(sd(volumes) / mean(volumes)).toFixed(2)}; ` +
        `DSC ${mean(dsc).toFixed(2)} (${Math.min(...dsc).toFixed(2)} to ${Math.max(...dsc).toFixed(2)}, SD ${sd(dsc).toFixed(3)})`,
    );
  }
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function sd(values) {
  return Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
}
