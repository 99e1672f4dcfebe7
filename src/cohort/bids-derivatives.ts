import { randomBytes } from 'node:crypto';
import { copyFile, link, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, writeWhole } from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { writingFailure } from '../formats/write-whole.js';
import { resultFiles } from '../quantify/result-folder.js';
import { version } from '../version.js';
import { type CohortExam, partsOfName } from './cohort-exam.js';
import type { CohortResult } from './cohort-result.js';

/** Files of a result that BIDS has names for: the entities and suffix behind those of the exam. */
const named = {
  flair: { name: 'desc-preproc_FLAIR', sidecar: {} },
  lesions: { name: 'label-lesion_mask', sidecar: { Type: 'Lesion' } },
  probability: { name: 'label-lesion_probseg', sidecar: {} },
  brain: { name: 'desc-brain_mask', sidecar: { Type: 'Brain' } },
} as const;

/** What lies beside the standard's names. */
const ignored = ['exams', 'change', 'masks', 'work', 'evaluation', '*.csv', '*.html'];

/** The files that say what a data set of derivatives is (BIDS 1.10), without those of its exams. */
export async function describeDerivatives(out: string, subjects: readonly string[]): Promise<void> {
  const description = {
    Name: 'White-matter lesions found by Dawson',
    BIDSVersion: '1.10.0',
    DatasetType: 'derivative',
    GeneratedBy: [{ Name: 'Dawson', Version: version }],
  };
  const readme =
    'Lesions of white matter found by Dawson, an exam a folder of sub-*/ses-*/anat: masks, their\n' +
    'probability, the brain, and the FLAIR on whose grid they lie. cohort.csv has a line an exam,\n' +
    'lesions.csv a line a lesion, change.csv a line a comparison of two exams of a person, and\n' +
    'index.html is a page of all. exams/ has the complete results of `dawson segment`.\n' +
    'Dawson is not a medical device. Its results are not for diagnosis.\n';
  await writeWhole(join(out, 'dataset_description.json'), jsonBytes(description));
  await writeWhole(join(out, 'README'), Buffer.from(readme));
  await writeWhole(join(out, '.bidsignore'), Buffer.from(`${ignored.join('\n')}\n`));
  const lines = ['participant_id', ...[...new Set(subjects)].map((subject) => `sub-${subject}`)];
  await writeWhole(join(out, 'participants.tsv'), Buffer.from(`${lines.join('\n')}\n`));
}

/** Folders of an exam's images, from that of the data set down. */
const placeOf = ({ subject, session }: Pick<CohortExam, 'subject' | 'session'>): string[] => [
  `sub-${subject}`,
  ...(session === undefined ? [] : [`ses-${session}`]),
  'anat',
];

/**
 * Gives the files of a result their names in BIDS, under which they need no room of their own where
 * the file system has links; a failed exam loses what an earlier run gave it.
 */
export async function placeDerivatives(
  out: string,
  { exam, folder, findings }: CohortResult,
): Promise<void> {
  const { name } = exam;
  const path = placeOf(exam);
  const anat = join(out, ...path);
  const mask = join(out, 'masks', `${name}.nii.gz`);
  if (!findings) {
    await rm(anat, { recursive: true, force: true });
    await rm(mask, { force: true });
    return;
  }
  await makeFolder(anat);
  await makeFolder(dirname(mask));
  const flair = `${name}_${named.flair.name}.nii.gz`;
  const reference = `bids::${[...path, flair].join('/')}`;
  for (const [row, { name: suffix, sidecar }] of Object.entries(named)) {
    const { file } = resultFiles[row as keyof typeof named];
    const target = join(anat, `${name}_${suffix}.nii.gz`);
    await placed(join(folder, file), target);
    const own =
      row === 'flair'
        ? { SkullStripped: findings.settings.brainExtracted }
        : { Sources: [reference], SpatialReference: reference };
    await writeWhole(target.replace(/\.nii\.gz$/, '.json'), jsonBytes({ ...sidecar, ...own }));
  }
  await placed(join(folder, resultFiles.lesions.file), mask);
}

/**
 * Removes what an earlier run gave exams that are no longer among those of the batch, so that every exam in
 * `masks` and among the derivatives is one of its tables. Their results stay where they are.
 * @param out folder of the batch
 * @param earlier names of exams of any run
 */
export async function removeDerivativesOf(
  out: string,
  earlier: readonly string[],
  now: readonly string[],
): Promise<void> {
  // Names that differ only in case are one file on some systems.
  const kept = new Set(now.map((name) => name.toLowerCase()));
  for (const name of earlier.filter((name) => !kept.has(name.toLowerCase()))) {
    const { subject, session } = partsOfName(name);
    if (subject === undefined) continue;
    await rm(join(out, 'masks', `${name}.nii.gz`), { force: true });
    const anat = join(out, ...placeOf({ subject, session }));
    for (const { name: suffix } of Object.values(named)) {
      for (const ending of ['nii.gz', 'json']) {
        await rm(join(anat, `${name}_${suffix}.${ending}`), { force: true });
      }
    }
    for (let folder = anat; folder !== out; folder = dirname(folder)) {
      await rmdir(folder).catch(() => {});
    }
  }
}

/**
 * The same file under another name, or a copy where there are no links; what was there is replaced.
 * @throws DawsonError `output-failed`.
 */
export async function placed(file: string, target: string): Promise<void> {
  const beside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  try {
    await link(file, beside).catch(() => copyFile(file, beside));
    await rename(beside, target);
    // A rename between two names of one file does nothing, and leaves both.
  } catch (error) {
    throw writingFailure(error, target);
  } finally {
    await rm(beside, { force: true });
  }
}
