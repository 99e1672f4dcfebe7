import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { type ImageFile, readVolume } from '../../src/formats/index.js';
import { inTemporaryFolder } from '../evaluate/mask-files.js';

/** What a program read: a size, an affine to RAS mm and values, where the file holds them. */
interface Outcome {
  readonly size: readonly number[];
  readonly affine?: readonly (number | string)[];
  readonly values?: readonly (number | string)[];
}

type Mutation = [
  base: string,
  what: string,
  writes: [at: number, hex: string][],
  nibabel: number,
  itk: number,
];

const golden: {
  readonly bases: Readonly<Record<string, string>>;
  readonly outcomes: readonly Outcome[];
  readonly mutations: readonly Mutation[];
} = JSON.parse(
  readFileSync(new URL('../goldens/formats/mutated-headers.json', import.meta.url), 'utf8'),
);

interface Reading {
  readonly what: string;
  readonly nibabel?: Outcome;
  readonly itk?: Outcome;
  /** Undefined where Dawson refuses the file. */
  readonly image?: ImageFile;
  readonly error?: unknown;
}

const readings: Reading[] = [];

beforeAll(() =>
  inTemporaryFolder(async (folder) => {
    for (const [base, what, writes, nibabel, itk] of golden.mutations) {
      const bytes = Buffer.from(golden.bases[base], 'hex');
      for (const [at, hex] of writes) bytes.write(hex, at, 'hex');
      const file = `${folder}/image.nii`;
      writeFileSync(file, bytes);
      const others = { nibabel: golden.outcomes[nibabel], itk: golden.outcomes[itk] };
      const read = await readVolume(file).then(
        (image) => ({ image }),
        (error: unknown) => ({ error }),
      );
      readings.push({ what: `${base}: ${what}`, ...others, ...read });
    }
  }),
);

/** What is infinite or not a number is 0 in Dawson. */
const finite = (value: number | string) => (typeof value === 'number' ? value : 0);

const close = (some: ArrayLike<number>, others: readonly (number | string)[]) =>
  some.length === others.length &&
  others.every((other, at) => {
    const difference = Math.abs(some[at] - finite(other));
    return difference <= 1e-3 * Math.max(1, Math.abs(finite(other)));
  });

function readsAs({ volume }: ImageFile, other: Outcome | undefined): boolean {
  if (!other?.affine || !other.values) return false;
  return (
    close(volume.size, other.size) &&
    close(volume.affine.slice(0, 12), other.affine) &&
    close(volume.data, other.values)
  );
}

const named = (some: readonly Reading[]) => some.map(({ what }) => what);

describe('a thousand mutations of NIfTI headers', () => {
  it('are all there, and most are read', () => {
    expect(readings).toHaveLength(1000);
    expect(readings.filter(({ image }) => image).length).toBeGreaterThan(500);
  });

  it('are read or refused in our own terms', () => {
    const defects = readings.filter(({ error }) => error && !(error instanceof DawsonError));
    expect(named(defects)).toEqual([]);
  });

  it('are read as nibabel or SimpleITK reads them, or refused', () => {
    const others = readings.filter(
      ({ image, nibabel, itk }) => image && !readsAs(image, nibabel) && !readsAs(image, itk),
    );
    expect(named(others)).toEqual([]);
  });

  it('are read with a word where nibabel and SimpleITK read them differently', () => {
    const silent = readings.filter(
      ({ image, nibabel, itk }) =>
        image?.notes.length === 0 && !(readsAs(image, nibabel) && readsAs(image, itk)),
    );
    expect(named(silent)).toEqual([]);
  });
});
