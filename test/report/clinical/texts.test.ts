import { describe, expect, it } from 'vitest';
import { type Language, languages, phrasesIn, texts } from '../../../src/report/clinical/texts.js';

const rows = Object.entries(texts) as [keyof typeof texts, Record<Language, string>][];
const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe('the texts of the report', () => {
  it.each(rows)('have %s in every language, with the same values in it', (_key, row) => {
    expect(Object.keys(row).sort()).toEqual(Object.keys(languages).sort());
    for (const text of Object.values(row)) {
      expect(text.trim()).not.toBe('');
      expect(placeholders(text)).toEqual(placeholders(row.en));
    }
  });

  it('have values put into them as they are, braces and all', () => {
    const { text } = phrasesIn('en');
    expect(text('lesion', { id: '{count} $& {id}' })).toBe('Lesion {count} $& {id}');
    expect(() => text('lesion')).toThrow(RangeError);
  });

  it('have numbers with the sign of the language, and no negative zero', () => {
    expect(phrasesIn('en').number(1.005, 1)).toBe('1.0');
    expect(phrasesIn('da').number(-12.34, 2)).toBe('−12,34');
    expect(phrasesIn('da').number(-0.001, 2)).toBe('0,00');
    expect(phrasesIn('en').signed(0.001, 2)).toBe('0.00');
    expect(phrasesIn('en').signed(3, 0)).toBe('+3');
    expect(phrasesIn('en').signed(-3, 0)).toBe('−3');
  });
});
