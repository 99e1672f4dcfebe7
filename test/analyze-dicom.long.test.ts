import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseDicom } from '../src/dicom/parse.js';
import { tags } from '../src/dicom/write/tags.js';
import type { ChangeDocument } from '../src/quantify/change.js';
import { makePhantom, someLesions } from './segment/phantom.js';
import { dawson, temporaryFolder } from './support/dawson.js';
import { groupsOf } from './support/dicom-measurements.js';
import { filesOfVolume } from './support/dicom-series.js';
import { writeThresholdModel } from './support/threshold-model.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const [ventricle, alone, , touching] = someLesions;

/** Lesions by year: one grows, one goes, one comes. */
const visits = {
  2024: [ventricle, alone],
  2025: [[...ventricle.slice(0, 3), 10], alone, touching],
  2026: [[...ventricle.slice(0, 3), 10], touching, [24, -30, 10, 6]],
} as const;

function writeVisit(path: string, year: keyof typeof visits, patient = 'P1'): void {
  const lesions = visits[year] as unknown as readonly [number, number, number, number][];
  const { flair } = makePhantom({ lesions, seed: year }).exam;
  const whole = { ...flair, data: flair.data.map((value) => Math.max(0, Math.round(value))) };
  const spec = { number: 1, sequence: 'IR', tr: 9000, te: 100, ti: 2500, patient };
  const elements = { '00080020': ['DA', `${year}0131`] } as const;
  mkdirSync(path, { recursive: true });
  for (const [slice, bytes] of filesOfVolume(whole, {
    ...spec,
    study: `1.2.3.${year}`,
    elements,
  }).entries()) {
    writeFileSync(join(path, `${year}-${slice}`), bytes);
  }
}

const segment = (out: string, ...dicom: string[]) =>
  dawson([
    ...['segment', '--dicom', ...dicom, '--rules', at('rules.json'), '--model', at('model')],
    ...['--brain-extracted', '--ignore-quality', '--no-mirror', '--out', out],
  ]);

const measured = (result: string) => {
  const file = join(result, 'dicom', 'measurements.dcm');
  return groupsOf(parseDicom(readFileSync(file), file, { withPixels: false })!.attributes);
};

beforeAll(async () => {
  writeVisit(at('exam'), 2026);
  writeVisit(at('exam', 'older'), 2025);
  writeVisit(at('archive'), 2024);
  writeVisit(at('another'), 2024, 'P2');
  const rules = [{ use: 'flair', where: { seriesNumber: 1 } }];
  writeFileSync(
    at('rules.json'),
    JSON.stringify({ schema: 'dawson-dicom-rules', schemaVersion: 1, rules }),
  );
  await writeThresholdModel((name) => at(name), {
    channels: ['FLAIR', 'T1w', 'T2'],
    optional: ['T1w', 'T2'],
  });
});

/** Four exams take minutes on busy cores. */
const patience = { timeout: 900_000 };

describe('dawson segment --dicom with earlier exams', patience, () => {
  it('says what became of each lesion, by identifiers that stay', async () => {
    const { exitCode, stdout, stderr } = await segment(
      at('result'),
      at('exam'),
      '--previous-dicom',
      at('archive'),
    );
    expect([stderr, exitCode]).toEqual([expect.not.stringMatching(/Doe|Jane/), 0]);
    expect(stdout).toMatch(/Since 2025-01-31: 1 new, 0 enlarged, 0 shrunken, 1 disappeared/);
    const change: ChangeDocument = JSON.parse(readFileSync(at('result', 'change.json'), 'utf8'));
    expect(change.exams.map(({ folder }) => folder)).toEqual([
      'study 1.2.3.2025',
      'study 1.2.3.2026',
    ]);

    const groups = measured(at('result'));
    const classes = groups.map(({ change }) => change);
    expect(classes.toSorted()).toEqual([
      ...['Indeterminate', 'New', 'Resolved', 'Stable'],
      undefined,
    ]);
    // The first exam by itself: what it shows is known by the same identifiers two exams later.
    expect((await segment(at('first'), at('archive'))).exitCode).toBe(0);
    const first = measured(at('first')).map(({ uid }) => uid);
    const uidOf = (wanted: string) =>
      groups.filter(({ change }) => change === wanted).map(({ uid }) => uid);
    expect(first).toContain(uidOf('Resolved')[0]);
    expect(first).toContain(uidOf('Stable')[0]);
    expect(first).not.toContain(uidOf('Indeterminate')[0]);
    expect(first).not.toContain(uidOf('New')[0]);
  });

  it('writes what dicom export writes, in colours of the change', async () => {
    const out = at('objects');
    const run = await dawson([
      ...['dicom', 'export', at('result'), '--dicom', at('exam'), '--out', out],
    ]);
    expect(run.exitCode).toBe(0);
    const names = readdirSync(out);
    expect(names).toEqual(readdirSync(at('result', 'dicom')));
    expect(names.filter((name) => name.startsWith('change-'))).toHaveLength(56);
    for (const name of names) {
      const [exported, written] = [join(out, name), at('result', 'dicom', name)];
      expect([name, readFileSync(exported).equals(readFileSync(written))]).toEqual([name, true]);
    }
    const pictures = names
      .filter((name) => name.startsWith('change-'))
      .map((name) => parseDicom(readFileSync(join(out, name)), name, { withPixels: true })!);
    const text = pictures[0].attributes.text(`x${tags.ImageComments[0]}`);
    expect(text).toMatch(/vermilion new, .*green disappeared/);
    const colours = new Set<string>();
    for (const { attributes, pixelData } of pictures) {
      const { dataOffset, length } = pixelData!;
      for (let pixel = dataOffset; pixel < dataOffset + length; pixel += 3) {
        const rgb = [...attributes.bytes.subarray(pixel, pixel + 3)];
        if (new Set(rgb).size > 1) colours.add(rgb.join());
      }
    }
    expect([...colours].sort()).toEqual(['0,158,115', '204,121,167', '213,94,0', '240,228,66']);
  });

  it('does not replace a result with another file among the objects', async () => {
    writeFileSync(at('first', 'dicom', 'notes.txt'), 'mine');
    const { exitCode, stderr } = await segment(at('first'), at('archive'));
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/dicom\/notes\.txt/);
  });

  it.each([
    ['of another patient', 'another', /files of another patient/],
    ['that is later', 'exam', /none with an earlier date/],
  ])('refuses an earlier exam %s', async (_what, previous, message) => {
    const { exitCode, stderr } = await segment(
      at('refused'),
      at('archive'),
      '--previous-dicom',
      at(previous),
    );
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(message);
    expect(readdirSync(folder)).not.toContain('refused');
  });
});
