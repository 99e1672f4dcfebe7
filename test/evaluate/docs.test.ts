import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cohortColumns } from '../../src/evaluate/cohort-table.js';
import { definitionNames } from '../../src/evaluate/definitions.js';

const text = readFileSync(new URL('../../docs/evaluation.md', import.meta.url), 'utf8');

describe('docs/evaluation.md', () => {
  it.each([...definitionNames, ...Object.keys(cohortColumns)])('explains `%s`', (name) => {
    expect(text).toContain(`\`${name}\``);
  });
});
