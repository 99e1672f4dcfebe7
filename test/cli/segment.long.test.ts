import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dawson, demoExam, temporaryFolder } from '../support/dawson.js';

const folder = temporaryFolder();
const exam = ['flair', 't2', 't1'].flatMap((name) => [`--${name}`, demoExam(name)]);

it('dawson segment gives the same bytes of an exam of three sequences, but for times and memory', async () => {
  const [first, again] = ['first', 'again'].map((name) => join(folder, name));
  for (const out of [first, again]) {
    expect((await dawson(['segment', ...exam, '--out', out, '--quiet'])).exitCode).toBe(0);
  }
  const names = readdirSync(first);
  expect(readdirSync(again)).toEqual(names);
  for (const name of names.filter((name) => name !== 'findings.json')) {
    expect(readFileSync(join(again, name)).equals(readFileSync(join(first, name))), name).toBe(
      true,
    );
  }
  const [{ run: _, ...found }, { run: __, ...foundAgain }] = [first, again].map((out) =>
    JSON.parse(readFileSync(join(out, 'findings.json'), 'utf8')),
  );
  expect(foundAgain).toEqual(found);
});
