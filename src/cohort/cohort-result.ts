import { join } from 'node:path';
import { readJson } from '../formats/read-json.js';
import type { JobRecord } from '../jobs/index.js';
import type { ChangeDocument } from '../quantify/change.js';
import type { Findings } from '../quantify/findings.js';
import { readFindings } from '../quantify/read-result.js';
import { resultFiles } from '../quantify/result-folder.js';
import { type Severity, severities } from '../remarks.js';
import type { CohortExam } from './cohort-exam.js';
import { outlyingBy } from './outliers.js';

/** One exam of a cohort and what became of it. */
export interface CohortResult {
  readonly exam: CohortExam;
  /** Folder of its result, there where `findings` are. */
  readonly folder: string;
  readonly findings?: Findings;
  /** Why there are none. */
  readonly failure?: string;
  /** The worst that the input gate says of its images. */
  readonly worst?: Severity;
  /** In what it stands out from the others, in words. */
  readonly outlying: readonly string[];
}

/** What changed of one person. */
export interface PersonChange {
  readonly subject: string;
  /** Names, in the order in which they were given to the comparison. */
  readonly exams: readonly string[];
  readonly document?: ChangeDocument;
  readonly failure?: string;
}

/** Values by which exams are looked at beside each other. */
const compared: readonly {
  readonly name: string;
  readonly of: (findings: Findings) => number;
}[] = [
  // Loads are spread over three powers of ten.
  { name: 'lesion load', of: ({ lesionVolumeMl }) => Math.log10(lesionVolumeMl + 0.1) },
  { name: 'brain volume', of: ({ brainVolumeMl }) => brainVolumeMl },
  { name: 'quality', of: ({ quality = [] }) => quality.filter(isWarning).length },
];

const isWarning = ({ severity }: { severity: Severity }) => severity !== 'info';

/** Reads the results of a cohort, and says which of them stand out from the others. */
export async function readCohortResults(
  exams: readonly CohortExam[],
  records: ReadonlyMap<string, JobRecord>,
  folderOf: (exam: CohortExam) => string,
): Promise<CohortResult[]> {
  const read: { exam: CohortExam; findings?: Findings; failure?: string }[] = [];
  for (const exam of exams) {
    const record = records.get(exam.name);
    if (record?.state === 'done') {
      const findings = await readFindings(join(folderOf(exam), resultFiles.findings.file));
      read.push({ exam, findings });
    } else {
      read.push({ exam, failure: exam.problem ?? record?.failure?.reason ?? 'It was not run.' });
    }
  }
  const scores = compared.map(({ name, of }) => ({
    name,
    by: outlyingBy(read.map(({ findings }) => findings && of(findings))),
  }));
  return read.map(({ exam, findings, failure }, at) => {
    const outlying = scores.flatMap(({ name, by }) =>
      by[at] === undefined ? [] : [`${name} ${by[at] > 0 ? 'high' : 'low'}`],
    );
    const worst = severities.findLast((severity) =>
      findings?.quality?.some((remark) => remark.severity === severity),
    );
    if (worst === 'severe' && !outlying.includes('quality high')) outlying.push('quality severe');
    return { exam, folder: folderOf(exam), findings, failure, worst, outlying };
  });
}

/** What the comparison of a person's exams says, from its folder. */
export const readChange = async (folder: string): Promise<ChangeDocument> =>
  (await readJson(join(folder, 'change.json'))) as ChangeDocument;
