import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from '../../src/cli/main.js';

const widest = 80;
const commands: Command[] = [];
const walk = (command: Command) => {
  commands.push(command);
  for (const inner of command.commands) walk(inner);
};
beforeAll(async () => walk(await commandLine()));

/** The help of a command, as on a terminal of {@link widest} columns. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => widest,
  });
  command.outputHelp();
  return text;
}

describe('the help of every command', () => {
  it('fits a terminal of 80 columns, without line breaks of its own', () => {
    expect(commands.length).toBeGreaterThan(20);
    for (const command of commands) {
      const long = helpOf(command)
        .split('\n')
        .filter((line) => line.length > widest);
      expect([command.name(), ...long]).toEqual([command.name()]);
      expect(command.description()).not.toContain('\n');
    }
  });

  it('says of every command and option in more than a word what it does', () => {
    const wordless = commands.flatMap((command) => [
      ...(command.description().includes(' ') ? [] : [command.name()]),
      ...command.options
        .filter(({ description }) => !description.includes(' '))
        .map(({ flags }) => `${command.name()} ${flags}`),
    ]);
    expect(wordless).toEqual([]);
  });

  it('has no example that is broken over lines', () => {
    for (const command of commands) {
      const lines = helpOf(command).split('\n');
      const broken = lines.filter(
        (line, at) => /^ {2}dawson /.test(line) && /^ {6}\S/.test(lines[at + 1] ?? ''),
      );
      expect(broken).toEqual([]);
    }
  });
});
