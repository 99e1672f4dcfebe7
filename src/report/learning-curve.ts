import type { TopLevelSpec } from 'vega-lite';
import type { EpochRecord } from '../train/loop.js';
import { chartSvg } from './chart.js';
import { renderSvg } from './picture.js';

/** The course of a training as a PNG: losses above, pseudo-Dice of each class below, over the epochs. */
export async function learningCurvePng(
  records: readonly EpochRecord[],
  classNames: readonly string[],
): Promise<Uint8Array> {
  const losses = records.flatMap(({ epoch, trainingLoss, validationLoss }) => [
    { epoch: epoch + 1, value: trainingLoss, line: 'training' },
    ...(validationLoss === undefined
      ? []
      : [{ epoch: epoch + 1, value: validationLoss, line: 'validation' }]),
  ]);
  const dice = records.flatMap(({ epoch, pseudoDice = [] }) =>
    pseudoDice.flatMap((value, index) =>
      value === null
        ? []
        : [{ epoch: epoch + 1, value, line: classNames[index] ?? `${index + 1}` }],
    ),
  );
  const panel = (values: typeof losses, title: string, domain?: [number, number]) => ({
    width: 480,
    height: 200,
    data: { values },
    mark: { type: 'line', point: values.length < 40 },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', title: 'Epoch', axis: { tickMinStep: 1 } },
      y: {
        field: 'value',
        type: 'quantitative',
        title,
        scale: domain ? { domain } : { zero: false },
      },
      color: { field: 'line', type: 'nominal', title: null },
      strokeDash: { field: 'line', type: 'nominal', title: null },
    },
  });
  const spec = {
    vconcat: [
      panel(losses, 'Loss'),
      ...(dice.length > 0 ? [panel(dice, 'Pseudo-Dice of validation patches', [0, 1])] : []),
    ],
    resolve: { scale: { color: 'independent', strokeDash: 'independent' } },
  } as unknown as TopLevelSpec;
  return renderSvg(await chartSvg(spec));
}
