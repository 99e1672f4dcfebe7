import type { ReportDocument } from './report-document.js';

/** Longer texts from files say nothing more, and would push everything else off the page. */
const longestText = 120;

/**
 * A text from a file as it may be shown: in one line, composed (NFC), without control characters
 * and without marks that change the direction of what follows. Those could show a reader another
 * text than what is there.
 */
export function shownText(value: unknown, longest = longestText): string {
  const characters = [
    ...String(value ?? '')
      .normalize('NFC')
      .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
      .replace(/[\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu, '')
      .trim(),
  ];
  return characters.length <= longest
    ? characters.join('')
    : `${characters.slice(0, longest - 1).join('')}…`;
}

/** The document with every text in it as `change` makes it. */
export function withTexts(
  { pictures, ...rest }: ReportDocument,
  change: (text: string) => string,
): ReportDocument {
  const changed = JSON.parse(JSON.stringify(rest), (_key, value) =>
    typeof value === 'string' ? change(value) : value,
  );
  return { ...changed, pictures };
}
