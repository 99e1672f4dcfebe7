import type { Run } from '../run.js';
import type { DicomRemark } from './refusal.js';
import { refused } from './refusal.js';
import { scanSourcesInWorker } from './scan.js';
import { type Listing, listSources } from './sources.js';
import { type Study, studiesOf } from './study.js';

/** What a folder or zip file of DICOM files holds. */
export interface DicomFolder {
  readonly path: string;
  readonly studies: readonly Study[];
  readonly remarks: readonly DicomRemark[];
  /** Files that are no DICOM. */
  readonly others: number;
  readonly listing: Listing;
}

/** Files whose headers one call of a worker reads. */
const filesPerCall = 64;

/**
 * Reads the headers of all DICOM files in a folder, at any depth, or in a zip file. What cannot be
 * read is a remark.
 * @throws DawsonError `file-not-found`, `file-oversized`; `not-an-image` where no file is DICOM.
 */
export async function readDicomFolder(path: string, run: Run): Promise<DicomFolder> {
  const listing = await listSources(path);
  const { sources } = listing;
  const scans = await run.stage('read headers', async (onProgress) => {
    let done = 0;
    const calls = Array.from(
      { length: Math.ceil(sources.length / filesPerCall) },
      async (_, index) => {
        const some = sources.slice(index * filesPerCall, (index + 1) * filesPerCall);
        const scan = await scanSourcesInWorker(run, some);
        done += some.length;
        onProgress(done, sources.length);
        return scan;
      },
    );
    return Promise.all(calls);
  });
  const { studies, remarks } = studiesOf(scans.flatMap(({ instances }) => instances));
  const all = [...listing.remarks, ...scans.flatMap((scan) => scan.remarks), ...remarks];
  if (studies.length === 0) {
    throw refused({
      code: 'not-an-image',
      file: path,
      expected: 'DICOM files',
      found: `${sources.length} files, none of which can be read as DICOM${firstReason(all)}`,
      advice: 'Give the folder or the zip file of an exam.',
    });
  }
  const changed = await changedFile(path, listing);
  if (changed !== undefined) {
    const text = 'files came or changed while the folder was read: the exam may still be arriving';
    all.push({ code: 'still-arriving', file: changed, text });
  }
  return {
    path,
    studies,
    remarks: all,
    others: scans.reduce((sum, scan) => sum + scan.others, 0),
    listing,
  };
}

/** Without the name of the file, which may be a patient's: reasons go into tables. */
const firstReason = (remarks: readonly DicomRemark[]) =>
  remarks.length > 0 ? `; of one: ${remarks[0].text}` : '';

/** @throws DawsonError `study-changing` where the folder is not what it was when it was listed. */
export async function requireUnchanged({
  path,
  listing,
}: Pick<DicomFolder, 'path' | 'listing'>): Promise<void> {
  const file = await changedFile(path, listing);
  if (file === undefined) return;
  throw refused({
    code: 'study-changing',
    file,
    expected: 'the files that were there when the folder was listed',
    found: 'a file that came, went or changed since',
  });
}

/** The first file by name that is not as it was listed. */
async function changedFile(path: string, { state }: Listing): Promise<string | undefined> {
  const now = (await listSources(path)).state;
  const changed = [...new Set([...state.keys(), ...now.keys()])].filter(
    (file) => state.get(file) !== now.get(file),
  );
  return changed.sort()[0];
}
