import type { AddHelpTextContext } from 'commander';

/** Width of a help page where nobody knows how wide the terminal is. */
const usualWidth = 80;
/** How far what does not fit behind an indented line is indented in the next one. */
const hanging = 6;

/**
 * What stands below the options in a help, at the width of the terminal. Paragraphs are filled anew;
 * an indented line is a row of a table or a command: what does not fit goes below its last column.
 */
export const below =
  (text: string) =>
  ({ command, error }: AddHelpTextContext): string => {
    const { getOutHelpWidth, getErrHelpWidth } = command.configureOutput();
    const width = (error ? getErrHelpWidth : getOutHelpWidth)?.() ?? usualWidth;
    return text
      .split('\n')
      .map((line) => filled(line, width))
      .join('\n');
  };

function filled(line: string, width: number): string {
  if (line.length <= width) return line;
  const indentation = indentationOf(line);
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const least = lines.length === 0 ? indentation + 1 : indentation;
    const space = rest.lastIndexOf(' ', width);
    if (space < least) break;
    lines.push(rest.slice(0, space).trimEnd());
    rest = ' '.repeat(indentation) + rest.slice(space + 1).trimStart();
  }
  return [...lines, rest].join('\n');
}

/** Where the last column of a row begins; 0 in a paragraph. */
function indentationOf(line: string): number {
  if (!line.startsWith(' ')) return 0;
  const columns = /^ *\S.*? {2,}(?=\S)/.exec(line);
  return columns ? columns[0].length : hanging;
}
