import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTransform, writeTransform } from '../../src/formats/itk-transform.js';
import {
  applyToPoint,
  determinant,
  identity,
  type Mat4,
  type Vec3,
} from '../../src/volume/affine.js';
import { describeWithData, sharedData } from '../support/shared-data.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';
import { goldens } from './golden-files.js';

const toRas = ([x, y, z]: readonly number[]): Vec3 => [-x, -y, z];

const text = (kind: string, parameters: string, fixed = '0 0 0') =>
  `#Insight Transform File V1.0\n#Transform 0\nTransform: ${kind}\n` +
  `Parameters: ${parameters}\nFixedParameters: ${fixed}\n`;
const affine = 'AffineTransform_double_3_3';
const unit = '1 0 0 0 1 0 0 0 1 0 0 0';

describe('readTransform', () => {
  it.each(goldens.transforms)('maps points as SimpleITK does: $name', async (golden) => {
    const transform = await readTransform(temporaryFile('transform.txt', golden.text));
    for (const [point, image] of golden.lps) {
      const mapped = applyToPoint(transform, toRas(point));
      toRas(image).forEach((mm, axis) => {
        expect(mapped[axis]).toBeCloseTo(mm, 9);
      });
    }
  });

  it('reads lines that end as in Windows', async () => {
    const file = temporaryFile('transform.txt', text(affine, unit).replaceAll('\n', '\r\n'));
    expect(await readTransform(file)).toEqual(identity);
  });

  it.each([
    ['a composite', text('CompositeTransform_double_3_3', '')],
    ['a displacement field', text('DisplacementFieldTransform_double_3_3', unit)],
    ['two dimensions', text('AffineTransform_double_2_2', '1 0 0 1 0 0', '0 0')],
    ['a name of JavaScript', text('constructor_double_3_3', unit)],
    ['no suffix', text('AffineTransform', unit)],
    ['too few numbers', text(affine, '1 0 0')],
    ['too many numbers', text(affine, `${unit} 1`)],
    ['no centre', text(affine, unit, '')],
    ['words for numbers', text(affine, unit.replace('1', 'one'))],
    ['NaN', text(affine, unit.replace('1', 'NaN'))],
    ['an infinite number', text(affine, unit.replace('1', '1e999'))],
    ['an overflow', text(affine, unit.replaceAll('1', '1e308'), '1e308 1e308 1e308')],
    ['a singular matrix', text(affine, unit.replace('1', '0'))],
    ['two transforms', text(affine, unit) + text(affine, unit)],
    ['no parameters', text(affine, unit).replace(/Parameters: .*\n/, '')],
    ['an empty file', ''],
    ['other text', 'hello'],
    ['gzip', Buffer.from('1f8b0800000000000003030000000000000000', 'hex')],
  ])('refuses %s', async (_what, content) => {
    const file = temporaryFile('transform.txt', content);
    await expect(readTransform(file)).rejects.toMatchObject({ code: 'bad-transform' });
  });

  it('refuses a folder and a file that does not exist', async () => {
    const path = temporaryFolder();
    for (const file of [path(), path('absent.txt')]) {
      await expect(readTransform(file)).rejects.toMatchObject({ code: 'file-not-found' });
    }
  });
});

describe('writeTransform', () => {
  const finite = fc.double({ min: -1, max: 1, noNaN: true });

  it('writes numbers that read back exactly', async () => {
    const file = temporaryFolder()('transform.txt');
    await fc.assert(
      fc.asyncProperty(fc.array(finite, { minLength: 12, maxLength: 12 }), async (rows) => {
        // The file does not tell -0 from 0.
        const map = rows.map((value, at) => value + (at % 5 === 0 ? 4 : 0));
        const transform = [...map, 0, 0, 0, 1] as unknown as Mat4;
        await writeTransform(file, transform);
        expect((await readTransform(file)).map((value) => value + 0)).toEqual(transform);
      }),
      { numRuns: 50, seed: 3, endOnFailure: true },
    );
  });

  it('writes LPS, as ITK has it', async () => {
    const file = temporaryFolder()('transform.txt');
    await writeTransform(file, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 12, 0, 0, 0, 1]);
    expect(readFileSync(file, 'utf8')).toBe(text(affine, '1 2 -3 5 6 -7 -9 -10 12 -4 -8 12'));
  });
});

describeWithData('readTransform of the reference transforms', () => {
  it.each([
    'exams/open-ms-01/study1/t1-to-flair.txt',
    'exams/open-ms-01/study2/flair-to-common.txt',
    'registration/moved-t1-rigid-truth.txt',
    'registration/moved-t1-affine-to-flair-truth.txt',
  ])('reads %s as a map that keeps volume within 20 %', async (file) => {
    const volumeChange = determinant(await readTransform(sharedData(file)));
    expect(volumeChange).toBeGreaterThan(0.8);
    expect(volumeChange).toBeLessThan(1.2);
  });
});
