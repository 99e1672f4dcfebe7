import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isImageName } from '../formats/index.js';
import type { SequenceName } from '../preprocess/exam.js';
import { isDate } from '../preprocess/foreign-description.js';
import { type CohortExam, examName } from './cohort-exam.js';
import { readTable } from './read-table.js';

const suffixes = { flair: 'FLAIR', t2: 'T2w', t1: 'T1w' } as const satisfies Record<
  SequenceName,
  string
>;

/** The exams of a BIDS data set, a session each, in the order of their names. Nothing is changed. */
export async function bidsExams(folder: string): Promise<CohortExam[]> {
  const exams: CohortExam[] = [];
  for (const subject of await labelled(folder, 'sub')) {
    const own = join(folder, `sub-${subject}`);
    const sessions = await labelled(own, 'ses');
    if (sessions.length === 0) exams.push(await bidsExam(folder, subject));
    for (const session of sessions) exams.push(await bidsExam(folder, subject, session));
  }
  return exams;
}

/** Labels of the folders with this entity, in order. */
async function labelled(folder: string, entity: 'sub' | 'ses'): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isFile())
    .map(({ name }) => new RegExp(`^${entity}-([a-zA-Z0-9]+)$`).exec(name)?.[1])
    .filter((label) => label !== undefined)
    .sort();
}

async function bidsExam(root: string, subject: string, session?: string): Promise<CohortExam> {
  const name = examName(subject, session);
  const folder = join(root, `sub-${subject}`, ...(session === undefined ? [] : [`ses-${session}`]));
  const anat = join(folder, 'anat');
  const names = (await readdir(anat).catch(() => [])).filter(isImageName).sort();
  const notes: string[] = [];
  const images: { [name in SequenceName]?: string } = {};
  for (const [sequence, suffix] of Object.entries(suffixes)) {
    const all = names.filter((file) => file.includes(`_${suffix}.`));
    // With contrast agent only where there is none without.
    const [chosen, ...others] = [...all].sort(
      (a, b) => Number(a.includes('_ce-')) - Number(b.includes('_ce-')),
    );
    if (chosen === undefined) continue;
    images[sequence as SequenceName] = join(anat, chosen);
    if (others.length > 0) notes.push(`${chosen} was taken of ${all.length} images with ${suffix}`);
  }
  const date = await dateOfScan(folder, name);
  const { flair } = images;
  return {
    name,
    subject,
    ...(session !== undefined && { session }),
    ...(date !== undefined && { date }),
    source: relative(root, folder),
    ...(flair === undefined
      ? { problem: 'there is no image with the suffix FLAIR in anat' }
      : { images: { ...images, flair } }),
    notes,
  };
}

/** When the images of an exam were taken, from its scans.tsv. */
async function dateOfScan(folder: string, name: string): Promise<string | undefined> {
  const table = await readTable(join(folder, `${name}_scans.tsv`)).catch(() => undefined);
  const dates = table?.rows.map((row) => String(row.acq_time ?? '').slice(0, 10)).filter(isDate);
  return dates?.sort()[0];
}
