// Every reader of Dawson, as it is called: (file, its folder) -> what it makes of it.
import { readFileSync } from 'node:fs';
import { readTable } from '../../dist/cohort/read-table.js';
import { parseDicom } from '../../dist/dicom/parse.js';
import { readSiteRules } from '../../dist/dicom/site-rules.js';
import { ZipReader, zipEntries } from '../../dist/dicom/zip.js';
import { readCohort } from '../../dist/evaluate/cohort-table.js';
import { readExperiment } from '../../dist/experiments/experiment.js';
import { readTransform, readVolume } from '../../dist/formats/index.js';
import { parsePickle } from '../../dist/formats/pickle.js';
import { readJson } from '../../dist/formats/read-json.js';
import { parseSafetensors } from '../../dist/formats/safetensors.js';
import { readTorchFields, readTorchWeights } from '../../dist/formats/torch-checkpoint.js';
import { readConfig } from '../../dist/gateway/config.js';
import { readOrder } from '../../dist/gateway/machines/order.js';
import { readQueuedJobs } from '../../dist/jobs/queued-jobs.js';
import { openModelFolder } from '../../dist/model/model-folder.js';
import { imagePlanOf } from '../../dist/model/nnunet-plans.js';
import { networkPlanOf, readWeights } from '../../dist/network/index.js';
import { describeExam } from '../../dist/preprocess/exam-description.js';
import { readChange } from '../../dist/quantify/read-change.js';
import { readFindings } from '../../dist/quantify/read-result.js';
import { withArchitecture } from '../../dist/segment/nnunet/old-plans.js';
import { checkpointNames, fieldsOf, foldsIn } from '../../dist/segment/nnunet/results.js';
import { readNnunetV1 } from '../../dist/segment/nnunet/results-v1.js';
import { readNnunetV2 } from '../../dist/segment/nnunet/results-v2.js';
import { readChecked } from '../../dist/train/checkpoint.js';
import { readDataset } from '../../dist/train/dataset.js';
import { givenFolds } from '../../dist/train/folds.js';
import { readLog } from '../../dist/train/loop.js';
import { TrainingFolder } from '../../dist/train/training-folder.js';

/** Without the path, which is another one for each mutant. */
const plain = (value) => JSON.stringify(value, (key, inner) => (key === 'file' ? '' : inner));

async function image(file) {
  // What was passed over is noted, and changes nothing.
  return (await readVolume(file)).volume;
}

export const readers = {
  image,
  transform: readTransform,
  'exam.json': async (_file, folder) => plain(await describeExam(`${folder}/flair.nii.gz`)),
  findings: readFindings,
  'rules of a site': readSiteRules,
  cohort: async (file) => (await readCohort(file)).rows,
  DICOM: (file) => {
    const parsed = parseDicom(readFileSync(file), file, { withPixels: true });
    return parsed && { name: parsed.syntax.name, text: parsed.attributes.text('x00080018') };
  },
  'a zip of DICOM': async (file) => {
    const { entries } = await zipEntries(file);
    const zip = new ZipReader();
    try {
      const bytes = [];
      for (const entry of entries) bytes.push(await zip.read(entry));
      return bytes;
    } finally {
      zip.close();
    }
  },
  safetensors: (file) => parseSafetensors(readFileSync(file), file),
  'a checkpoint of PyTorch': async (file) => [
    await readTorchFields(file),
    await readTorchWeights(file, 'network_weights'),
  ],
  pickle: (file) => parsePickle(readFileSync(file), file),
  'nnU-Net v2': async (_file, folder) => {
    const { folds: _, ...found } = await readNnunetV2(folder, 'final');
    return found;
  },
  'nnU-Net v1': async (_file, folder) => {
    const {
      folds: _,
      datasetName: _name,
      dataset,
      ...found
    } = await readNnunetV1(folder, await foldsIn(folder, checkpointNames.final[0]));
    return { dataset, mirror: found.mirrorAxes };
  },
  plans: async (file) => {
    const plans = withArchitecture(fieldsOf(await readJson(file), file), file);
    const network = networkPlanOf(plans, '3d_fullres', { inputChannels: 2, classes: 2 }, file);
    return [imagePlanOf(plans, file), network];
  },
  'a model folder': async (_file, folder) => {
    const { weights, network, files, card, plans } = await openModelFolder(folder);
    const read = [];
    for (const path of weights) {
      const { sha256 } = files[path.split('/').at(-1)];
      read.push(await readWeights(path, network, sha256));
    }
    return [card, plans, read];
  },
  'a checkpoint': readChecked,
  'a training set': async (_file, folder) => {
    const { channelNames, classNames } = await readDataset(folder);
    return { channelNames, classNames };
  },
  'given folds': async (file) => {
    const cases = ['a', 'b', 'c'].map((name) => ({ name, patient: name, stratum: '' }));
    return givenFolds(await readJson(file), cases, file);
  },
  'a table of exams': readTable,
  'an experiment': async (file) => (await readExperiment(file)).file,
  change: async (_file, folder) => {
    const { volume: flair } = await readVolume(`${folder}/change.nii.gz`);
    const findings = { inputs: { flair: { sha256: 'a'.repeat(64) } }, lesionCount: 2 };
    const lesions = { ...flair, data: new Uint8Array(flair.data.length) };
    return (await readChange(folder, { findings, flair, lesions })).document;
  },
  'a gateway': async (file, folder) => plain(await readConfig(file)).replaceAll(folder, ''),
  'an order of a gateway': (file) =>
    readOrder({ order: () => file, rules: () => 'rules.json' }, 'job'),
  'jobs of a cluster': readQueuedJobs,
  'a log': (file) => readLog(file),
  'a validation': async (_file, folder) => [...(await new TrainingFolder(folder).validations(1))],
};
