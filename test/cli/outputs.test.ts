import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Output, requireOutputs } from '../../src/cli/outputs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A folder with an image `a.nii`, a link to it, a second name of it, and a folder `result`. */
function place(): (...names: string[]) => string {
  const path = temporaryFolder();
  writeFileSync(path('a.nii'), '');
  symlinkSync(path('a.nii'), path('link.nii'));
  linkSync(path('a.nii'), path('same.nii'));
  mkdirSync(path('result'));
  writeFileSync(path('result', 'flair.nii.gz'), '');
  symlinkSync(path('result'), path('linked'));
  return path;
}

type Row = [what: string, input: string[], outputs: [string, Output['kind']][]];
const inputOverwritten: Row[] = [
  ['the input itself', ['a.nii'], [['a.nii', 'image']]],
  ['another way to write it', ['a.nii'], [['result/../a.nii', 'image']]],
  ['a link to the input', ['a.nii'], [['link.nii', 'image']]],
  ['a second name of the input', ['a.nii'], [['same.nii', 'image']]],
  ['the folder that holds the input', ['result/flair.nii.gz'], [['result', 'folder']]],
  ['a link to that folder', ['result/flair.nii.gz'], [['linked', 'folder']]],
  ['a folder above it', ['result'], [['.', 'folder']]],
  ['a shared folder that is the input', ['result'], [['result', 'shared-folder']]],
];
const outputsInOne: Row[] = [
  ['one name twice', [], [['x.nii', 'image'], ['x.nii', 'image']]], // biome-ignore format: a row
  ['a file in a folder that is replaced', [], [['new', 'folder'], ['new/x.pdf', 'pdf']]], // biome-ignore format: a row
  ['the same the other way round', [], [['new/x.pdf', 'pdf'], ['new', 'folder']]], // biome-ignore format: a row
];

describe('outputs', () => {
  const check = ([, inputs, outputs]: Row) => {
    const path = place();
    return requireOutputs(
      inputs.map((name) => path(name)),
      outputs.map(([name, kind]) => ({ path: path(name), kind })),
    );
  };

  it.each(inputOverwritten)('may not be %s', async (...row) => {
    await expect(check(row)).rejects.toMatchObject({
      code: 'output-exists',
      details: { found: expect.stringMatching(/^the input /) },
    });
  });

  it.each(outputsInOne)('may not be in each other’s place: %s', async (...row) => {
    await expect(check(row)).rejects.toMatchObject({
      code: 'output-exists',
      details: { found: expect.stringMatching(/^the output /) },
    });
  });

  it.each([
    ['image', 'x.mha'],
    ['transform', 'x.nii.gz'],
    ['pdf', 'lesions.nii.gz'],
    ['html', 'x.pdf'],
  ] as const)('of the kind %s are not called %s', async (kind, name) => {
    await expect(check(['', [], [[name, kind]]])).rejects.toMatchObject({ code: 'usage' });
  });

  it.each<Row>([
    ['beside the input', ['a.nii'], [['b.nii', 'image']]],
    ['a report in the folder of its results', ['result/flair.nii.gz'], [['result/r.pdf', 'pdf']]],
    ['a folder below an input', ['result'], [['result/new', 'folder']]],
    ['a shared folder around an input', ['result'], [['.', 'shared-folder']]],
  ])('may be %s', async (...row) => {
    await expect(check(row)).resolves.toBeUndefined();
  });
});
