import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../../errors.js';
import { labelsOnly } from './labels-only.js';
import type { PublicLayout } from './layouts.js';

/** A case of a download: paths of its files. */
export interface PublicCase {
  readonly name: string;
  readonly patient: string;
  readonly visit?: string;
  readonly scanner: string;
  readonly split?: 'train' | 'test';
  readonly flair: string;
  readonly t1?: string;
  readonly t2?: string;
  readonly earlier?: string;
  readonly brain?: string;
  readonly reference: string;
  /** Who drew the reference. */
  readonly reader: string;
}

/** What a download holds, and what it lacks. */
export interface Download {
  readonly cases: readonly PublicCase[];
  readonly missing: readonly string[];
}

/**
 * Finds the cases of a download by the publisher's own layout, in the order of their paths.
 * @param reader whose masks; else the first in the order of the layout that a case has
 * @throws DawsonError `bad-dataset` where no file lies as in the layout, `usage` for a reader that it
 *   does not have.
 */
export async function findPublicCases(
  folder: string,
  prefix: string,
  layout: PublicLayout,
  reader: string | undefined,
): Promise<Download> {
  if (reader !== undefined && !Object.hasOwn(layout.readers, reader)) {
    throw new DawsonError('usage', {
      expected: `a reader of ${layout.title}: ${Object.keys(layout.readers).join(', ')}`,
      found: reader,
    });
  }
  const files = await imagesUnder(folder);
  const missing: string[] = [];
  const cases = [...files.keys()].sort().flatMap((path): PublicCase[] => {
    const groups = layout.flair.exec(path)?.groups;
    if (groups === undefined) return [];
    const at = (templates: string | readonly string[] = []) =>
      [templates]
        .flat()
        .map((template) => files.get(template.replace(/\{(\w+)\}/g, (_, key) => groups[key] ?? '')))
        .find((file) => file !== undefined);
    const { centre, patient, visit, root = '' } = groups;
    const name = labelsOnly([prefix, centre, patient, visit]);
    const chosen = Object.entries(layout.readers).filter(([who]) => (reader ?? who) === who);
    const drawn = chosen.map(([who, template]) => [who, at(template)] as const);
    const [who, reference] = drawn.find(([, file]) => file !== undefined) ?? [];
    const sequences = { t1: at(layout.t1), t2: at(layout.t2), earlier: at(layout.earlier) };
    for (const [key, file] of Object.entries(sequences)) {
      if (file === undefined && layout[key as keyof typeof sequences] !== undefined) {
        missing.push(`${name}: no ${key === 'earlier' ? 'earlier FLAIR' : key.toUpperCase()}`);
      }
    }
    if (reference === undefined) missing.push(`${name}: no mask${reader ? ` of ${reader}` : ''}`);
    const lacksEarlier = layout.earlier !== undefined && sequences.earlier === undefined;
    if (reference === undefined || lacksEarlier) return [];
    return [
      {
        name,
        patient: labelsOnly([prefix, centre, patient]),
        ...(visit !== undefined && { visit }),
        scanner: layout.scanner ?? centre ?? prefix,
        ...(/test/i.test(root) ? { split: 'test' } : /train/i.test(root) ? { split: 'train' } : {}),
        flair: files.get(path)!,
        ...sequences,
        brain: at(layout.brain),
        reference,
        reader: who!,
      },
    ];
  });
  if (cases.length === 0) throw noCases(folder, layout, missing);
  return { cases, missing };
}

function noCases(file: string, layout: PublicLayout, missing: readonly string[]): DawsonError {
  return new DawsonError('bad-dataset', {
    file,
    expected: `${layout.title} as it is downloaded and unpacked, such as ${layout.example} with its mask`,
    found: missing.length > 0 ? `no complete case:\n    ${missing.join('\n    ')}` : 'no such file',
    advice:
      'Give the folder into which the download was unpacked; docs/public-data.md shows the layouts.',
  });
}

/** NIfTI files in a folder at any depth: by their path in it, with / and without ending. */
async function imagesUnder(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  let entries: string[];
  try {
    entries = await readdir(folder, { recursive: true });
  } catch (error) {
    throw new DawsonError('file-not-found', {
      file: folder,
      expected: 'the folder of a download',
      found: (error as NodeJS.ErrnoException).code ?? 'nothing',
    });
  }
  for (const entry of entries.sort()) {
    const path = entry.replaceAll('\\', '/');
    if (/\.nii(\.gz)?$/.test(path)) {
      files.set(path.replace(/\.nii(\.gz)?$/, ''), join(folder, entry));
    }
  }
  return files;
}
