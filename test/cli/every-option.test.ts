import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from '../../src/cli/main.js';
import { dawson } from '../support/dawson.js';
import { makeInputs, runs } from '../support/every-command.js';

/** These ask a gateway that runs, or a database: test/cli/gateway.test.ts, test/gateway/workers.test.ts. */
const runElsewhere = /^gateway (status|retry|cancel|work) /;

/** A whole exam takes minutes on busy cores. */
const patienceMs = 600_000;

beforeAll(makeInputs);

/** Every command that does something, with its full name. */
function commandsOf(command: Command, path: readonly string[] = []): [string, Command][] {
  const inner = command.commands.flatMap((child) => commandsOf(child, [...path, child.name()]));
  return command.commands.length > 0 ? inner : [[path.join(' '), command]];
}

describe('every option of every command', () => {
  it('is in one of the command lines that are run', async () => {
    const missing = commandsOf(await commandLine()).flatMap(([name, { options }]) => {
      const own = runs.filter((args) => args.join(' ').startsWith(`${name} `)).flat();
      const needed = options.map(({ long }) => long!).filter((long) => !own.includes(long));
      return needed.map((long) => `${name} ${long}`);
    });
    // Those of output are the same code for all commands.
    const others = missing.filter((line) => !runElsewhere.test(line));
    expect(others.filter((line) => !/--(quiet|json)$/.test(line))).toEqual([]);
  });

  it.each(runs.map((args) => [args[0], args] as const))(
    'is understood, and the command succeeds: %s',
    async (_, args) => {
      const { exitCode, stderr } = await dawson([...args]);
      expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('expected')]);
    },
    patienceMs,
  );
});
