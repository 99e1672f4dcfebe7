import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type DefinitionName,
  definitionNames,
  definitions,
} from '../../src/evaluate/definitions.js';
import { evaluatePair, evaluateUnder } from '../../src/evaluate/evaluate-pair.js';
import { pairMasks } from '../../src/evaluate/mask-pair.js';
import { masksOf } from '../../src/evaluate/masks.js';
import type { Vec3 } from '../../src/volume/affine.js';
import { type Mask, onGrid } from '../../src/volume/volume.js';
import { type Case, tinyPair } from './perturb.js';

interface Touched {
  referenceLesions: number;
  predictedLesions: number;
  detectedLesions: number;
  confirmedLesions: number;
}

interface GoldenCase extends Case {
  readonly panoptica: Record<string, number | null>;
  readonly monai: { hd95: number; hd: number; assd: number } | null;
  readonly scipy: Record<string, number> | null;
  readonly isbi2015: Touched;
  readonly anyOverlap: Touched;
  readonly wmh: Record<'dsc' | 'h95' | 'avd' | 'recall' | 'f1', number | null>;
}

const cases: GoldenCase[] = JSON.parse(
  readFileSync(new URL('../goldens/evaluate/definitions-tiny.json', import.meta.url), 'utf8'),
);

function evaluateCase(golden: GoldenCase, name: DefinitionName) {
  const [reference, prediction] = tinyPair(golden);
  const spacingMm = golden.spacingMm.map(Math.fround) as unknown as Vec3;
  const pair = pairMasks(reference, prediction, spacingMm);
  expect([pair.referenceVoxels, pair.predictionVoxels]).toEqual(golden.voxels);
  return evaluatePair(pair, definitions[name]);
}

/** Numbers equal to 1e-6 of their size or of 1; null only where null is expected. */
function expectFigures(found: object, expected: Record<string, number | null>) {
  const figures = found as Record<string, unknown>;
  for (const [figure, value] of Object.entries(expected)) {
    if (value === null) expect(figures[figure], figure).toBeNull();
    else
      expect(Math.abs(Number(figures[figure]) - value), figure).toBeLessThan(
        1e-6 * Math.max(1, value),
      );
  }
}

describe.each(cases)('on $kind, seed $seed', (golden) => {
  it('the panoptica definition equals panoptica', () => {
    const lesionwise = evaluateCase(golden, 'panoptica').lesionwise!;
    const { tp, n_ref_instances, n_pred_instances, prec, rec, rq, sq, pq } = golden.panoptica;
    expectFigures(
      { ...lesionwise },
      {
        detectedLesions: tp,
        confirmedLesions: tp,
        referenceLesions: n_ref_instances,
        predictedLesions: n_pred_instances,
        precision: prec,
        recall: rec,
        f1: rq,
        segmentationQuality: sq,
        panopticQuality: pq,
      },
    );
  });

  it('surface distances equal SciPy and, within its single precision, MONAI', () => {
    const { surface } = evaluateCase(golden, 'nnunet');
    if (!golden.scipy || !golden.monai) {
      expect(surface).toBeNull();
      return;
    }
    expectFigures(
      {
        ...surface,
        meanReferenceToPrediction: surface!.referenceToPrediction.meanMm,
        meanPredictionToReference: surface!.predictionToReference.meanMm,
      },
      {
        assdMm: golden.scipy.assd,
        hd95Mm: golden.scipy.hd95,
        hd95PooledMm: golden.scipy.hd95Pooled,
        maximumMm: golden.scipy.maximum,
        meanReferenceToPrediction: golden.scipy.meanReferenceToPrediction,
        meanPredictionToReference: golden.scipy.meanPredictionToReference,
      },
    );
    expectFigures(
      { ...surface },
      {
        assdMm: golden.monai.assd,
        hd95Mm: golden.monai.hd95,
        maximumMm: golden.monai.hd,
      },
    );
  });

  it.each([
    ['isbi2015', 'isbi2015'],
    ['any-overlap', 'anyOverlap'],
  ] as const)('the lesions of %s that touch equal SciPy', (name, key) => {
    expect(evaluateCase(golden, name).lesionwise).toMatchObject(golden[key]);
  });

  it('the wmh definition equals the script of the challenge, other pathology left out', () => {
    const [reference, prediction] = tinyPair(golden);
    const labels = reference.data.map((value, at) => (at % 20 >= 14 ? 2 * value : value));
    const masks = masksOf(
      { volume: onGrid(reference, labels), file: 'reference' },
      { volume: prediction, file: 'prediction' },
      definitions.wmh.ignoredReferenceLabel,
    );
    const spacingMm = golden.spacingMm.map(Math.fround) as unknown as Vec3;
    const pair = pairMasks(masks.reference, masks.prediction, spacingMm);
    const { dsc, surface, volumes, lesionwise } = evaluatePair(pair, definitions.wmh);
    expectFigures(
      {
        dsc,
        h95: surface?.hd95Mm ?? null,
        avd: volumes.differencePercent && Math.abs(volumes.differencePercent),
        recall: lesionwise!.recall,
        f1: lesionwise!.f1,
      },
      golden.wmh,
    );
  });
});

describe('the table of definitions', () => {
  it.each(definitionNames)('has every column for %s', (name) => {
    const row = definitions[name];
    expect(row.name).toBe(name);
    expect(row.summary).not.toBe('');
    expect(row.source).not.toBe('');
    expect([null, 6, 18, 26]).toContain(row.connectivity);
    expect(row.minimumMm3).toBeGreaterThanOrEqual(0);
  });

  it.each(definitionNames)(
    'gives the same figures under %s alone and together with others',
    (name) => {
      const [reference, prediction] = tinyPair(cases[9]);
      const pair = pairMasks(reference, prediction);
      const together = evaluateUnder(
        pair,
        definitionNames.map((other) => definitions[other]),
      );
      expect(together[definitionNames.indexOf(name)]).toEqual(
        evaluatePair(pair, definitions[name]),
      );
    },
  );
});

describe('empty masks', () => {
  const blank = tinyPair(cases[12])[1];
  const empty: Mask = onGrid(blank, new Uint8Array(blank.data.length));
  const full = tinyPair(cases[0])[0];
  const evaluate = (reference: Mask, prediction: Mask, name: DefinitionName) =>
    evaluatePair(pairMasks(reference, prediction), definitions[name]);

  it.each(definitionNames)('have no DSC under %s when both are empty, and say why', (name) => {
    const evaluation = evaluate(empty, empty, name);
    expect(evaluation.dsc).toBeNull();
    expect(evaluation.surface).toBeNull();
    expect(evaluation.undefined.dsc).toBe('both masks are empty');
    expect(evaluation.undefined.surface).toBe('both masks are empty');
  });

  it.each([
    // definition, precision, recall, F1 of: both empty; only the reference; only the prediction.
    ['anima', [null, null, null], [null, null, null], [0, 0, 0]],
    ['msseg2', [null, null, null], [null, null, null], [0, 0, 0]],
    ['isbi2015', [null, null, null], [0, null, 0], [null, 0, 0]],
    ['wmh', [1, 1, 1], [0, 1, 0], [1, 0, 0]],
    ['panoptica', [null, null, null], [0, null, 0], [null, 0, 0]],
    ['any-overlap', [null, null, null], [0, null, 0], [null, 0, 0]],
    ['tenth-overlap', [null, null, null], [0, null, 0], [null, 0, 0]],
  ] as const)(
    'have the documented lesion-wise result under %s',
    (name, both, reference, prediction) => {
      for (const [r, p, expected] of [
        [empty, empty, both],
        [empty, full, reference],
        [full, empty, prediction],
      ] as const) {
        const { lesionwise, undefined: reasons } = evaluate(r, p, name);
        const figures = ['precision', 'recall', 'f1'] as const;
        expect(figures.map((figure) => lesionwise![figure])).toEqual(expected);
        for (const figure of figures) {
          expect(`lesionwise.${figure}` in reasons).toBe(lesionwise![figure] === null);
        }
      }
    },
  );

  it('have no distances of a mask that fills its slices, of which none is surface, and say why', () => {
    const filled = onGrid(blank, new Uint8Array(blank.data.length).fill(1));
    const evaluation = evaluate(full, filled, 'wmh');
    expect(evaluation.surface).toBeNull();
    expect(evaluation.undefined.surface).toBe('the prediction has no surface in its slices');
  });

  it('leave an empty reference to the number and volume of predicted lesions under msseg2', () => {
    const { lesionwise } = evaluate(empty, full, 'msseg2');
    expect(lesionwise!.predictedLesions).toBeGreaterThan(0);
    expect(lesionwise!.predictedLesionsMl).toBeGreaterThan(0);
  });
});
