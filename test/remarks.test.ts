import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type Language,
  languages,
  type RemarkCode,
  remark,
  remarkIn,
  remarkTable,
  severities,
  words,
} from '../src/remarks.js';

const rows = Object.entries(remarkTable) as [RemarkCode, (typeof remarkTable)[RemarkCode]][];
const places = (text: string) => (text.match(/\{[^}]*\}/g) ?? []).sort();
const spoken = Object.keys(languages) as Language[];

describe('the table of remarks', () => {
  it.each(rows)('has every column of %s, with the same values in every language', (_code, row) => {
    expect([...severities, 'measured']).toContain(row.severity);
    for (const language of spoken) {
      expect(row[language].trim()).not.toBe('');
      expect(places(row[language])).toEqual(places(row.en));
    }
    expect(new Set(spoken.map((language) => row[language])).size).toBe(spoken.length);
  });

  it('has every word in every language', () => {
    for (const row of Object.values(words)) {
      expect(Object.keys(row).sort()).toEqual([...spoken].sort());
      for (const text of Object.values(row)) expect(text.trim()).not.toBe('');
    }
  });

  it.each([
    ['findings-1', 'remark'],
    ['change-2', 'caution'],
  ])('has the codes that schema %s allows', (name, definition) => {
    const file = new URL(`../schemas/${name}.schema.json`, import.meta.url);
    const { $defs } = JSON.parse(readFileSync(file, 'utf8'));
    expect($defs[definition].properties.code.enum).toEqual(rows.map(([code]) => code));
  });
});

describe('a remark', () => {
  const coarse = remark(
    'coarse-resolution',
    { label: 'FLAIR', mm: 4.4 },
    { severity: 'info', sequence: 'flair' },
  );

  it('is a sentence in each language, with the numbers of that language', () => {
    expect(coarse.text).toBe(
      'The slices of the FLAIR are 4.4 mm apart (recommended: up to 3 mm): small lesions can be missed.',
    );
    expect(remarkIn(coarse, 'da')).toContain('ligger 4,4 mm fra hinanden');
  });

  it('puts in shares, words, lists of words and differences', () => {
    const about = { severity: 'warning' } as const;
    const cut = { label: 'T1', missingMl: 41.6, share: 0.034, sides: ['upper', 'left'] } as const;
    expect(remark('brain-cut-off', cut, about).text).toBe(
      'About 42 ml of the brain (3 %) lie outside the field of view of the T1, on its upper and left side.',
    );
    const changes = [
      { what: 'fieldStrength', before: 1.5, now: 3 },
      { what: 'contrastAgent' },
    ] as const;
    expect(remarkIn(remark('scanner-changed', { changes }), 'da')).toBe(
      'Skanneren er en anden: feltstyrke (T) 1,5, siden 3; kontraststof kun i den ene.',
    );
  });

  it('takes values as they are, braces and all', () => {
    const values = { folder: '$& {reason}', reason: '{folder}' };
    expect(remark('exam-left-out', values).text).toBe(
      'The exam in $& {reason} was left out: {folder}',
    );
  });

  it('of a file is its own text where its values are absent or do not fit', () => {
    const { values: _, ...earlier } = coarse;
    expect(remarkIn(earlier, 'da')).toBe(coarse.text);
    for (const values of [{}, { label: 'FLAIR', mm: 'wide' }, { label: 'FLAIR', mm: null }]) {
      expect(remarkIn({ ...coarse, values: values as never }, 'da')).toBe(coarse.text);
    }
  });

  it('needs its severity where the table has none, and its values', () => {
    expect(() => remark('noise', { label: 'T1', rangeToNoise: 8 })).toThrow(RangeError);
    expect(() => remark('brain-size')).toThrow(RangeError);
  });
});
