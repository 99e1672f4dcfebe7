import { isImageName } from '../formats/index.js';
import { type SequenceName, sequenceLabels, sequenceNames } from '../preprocess/exam.js';

/** How files of a sequence are called: `*` stands for any text; case does not count. */
export type NamePatterns = { readonly [name in SequenceName]?: string };

/** Words of a name that say that it is no image of a head as the scanner gave it, or has contrast. */
const otherWords =
  /mask|lesion|seg|consensus|truth|brain|label|prob|overlay|roi|(^|[^a-z])(gt|gd|gado|ce|post|t1c|t1ks|t1wks)([^a-z]|$)/;
const wordOf = {
  flair: /flair/,
  t2: /(^|[^a-z0-9])t2w?([^a-z0-9]|$)/,
  t1: /(^|[^a-z0-9])(t1w?|mprage)([^a-z0-9]|$)/,
} as const satisfies Record<SequenceName, RegExp>;

/**
 * Which of the files in a folder is which sequence, by their names.
 * @returns the files, or why they cannot be told.
 */
export function sequencesByName(
  names: readonly string[],
  patterns: NamePatterns,
): { files: { [name in SequenceName]?: string }; problem?: string } {
  const images = names.filter(isImageName).sort();
  const files: { [name in SequenceName]?: string } = {};
  for (const name of sequenceNames) {
    const found = images.filter((file) => isOf(file, name, patterns));
    if (found.length > 1) {
      const problem = `${found.length} files may be the ${sequenceLabels[name]}: ${found.join(', ')}`;
      return { files, problem };
    }
    if (found.length === 1) files[name] = found[0];
  }
  if (files.flair === undefined) return { files, problem: 'no file is called like a FLAIR' };
  return { files };
}

function isOf(file: string, name: SequenceName, patterns: NamePatterns): boolean {
  const pattern = patterns[name];
  if (pattern !== undefined) return asExpression(pattern).test(file);
  const lower = file.toLowerCase();
  if (otherWords.test(lower)) return false;
  return name === 'flair'
    ? wordOf.flair.test(lower)
    : !wordOf.flair.test(lower) && wordOf[name].test(lower);
}

const asExpression = (pattern: string) =>
  new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 'i');

const escaped = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
