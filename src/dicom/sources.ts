import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readingFailure } from '../formats/open-file.js';
import type { Source } from './instance.js';
import { largestFileBytes, mostFiles } from './limits.js';
import { type DicomRemark, refused } from './refusal.js';
import { zipEntries } from './zip.js';

/** What a folder or zip file holds. */
export interface Listing {
  /** In the order of their names. */
  readonly sources: readonly Source[];
  readonly remarks: readonly DicomRemark[];
  /** Changes when a file is added, removed or written. */
  readonly state: ReadonlyMap<string, string>;
}

/**
 * All files of a folder, at any depth, and of the zip files in it (by their names); or those of one
 * zip file. Links are not followed.
 * @throws DawsonError `file-not-found`; `file-oversized` for more files than an exam has.
 */
export async function listSources(path: string): Promise<Listing> {
  const listing = {
    sources: [] as Source[],
    remarks: [] as DicomRemark[],
    state: new Map<string, string>(),
  };
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) await listFolder(path, listing);
    else await listFile(path, stats, listing);
  } catch (error) {
    throw readingFailure(error, path);
  }
  return listing;
}

interface OpenListing {
  readonly sources: Source[];
  readonly remarks: DicomRemark[];
  readonly state: Map<string, string>;
}

async function listFolder(top: string, listing: OpenListing): Promise<void> {
  const folders = [top];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(folder, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    const visible = entries.filter(isVisible);
    const paths = (some: Dirent[]) => some.map(({ name }) => join(folder, name));
    folders.push(...paths(visible.filter((entry) => entry.isDirectory())));
    const files = paths(visible.filter((entry) => entry.isFile()));
    // Gone since the folder was listed: the state then says that it changed.
    const all = await Promise.all(files.map((file) => lstat(file).catch(() => undefined)));
    for (const [at, stats] of all.entries()) if (stats) await listFile(files[at], stats, listing);
    if (folders.length > mostFiles) throw tooMany(top);
  }
  listing.sources.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
}

/** Hidden files are half-written copies and what file managers leave. */
const isVisible = ({ name }: Dirent) => !name.startsWith('.') && name !== '__MACOSX';

async function listFile(file: string, stats: Stats, listing: OpenListing): Promise<void> {
  listing.state.set(file, `${stats.size} ${stats.mtimeMs}`);
  if (/\.zip$/i.test(file)) {
    const { entries, remarks } = await zipEntries(file);
    for (const entry of entries) listing.sources.push(entry);
    listing.remarks.push(...remarks);
  } else if (stats.size > largestFileBytes) {
    listing.remarks.push({
      code: 'unreadable-file',
      file,
      text: `it has ${stats.size} bytes, more than ${largestFileBytes}`,
    });
  } else {
    listing.sources.push({ file, sizeBytes: stats.size });
  }
  if (listing.sources.length > mostFiles) throw tooMany(file);
}

const tooMany = (file: string) =>
  refused({
    code: 'file-oversized',
    file,
    expected: `at most ${mostFiles} files`,
    found: 'more',
    advice: 'Give the folder of one exam.',
  });
