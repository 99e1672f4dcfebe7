import { describe, expect, it } from 'vitest';
import type { Experiment, ExperimentFile } from '../../src/experiments/experiment.js';
import { trainingDefaults } from '../../src/experiments/experiment.js';
import { networksOf, predictionsOf } from '../../src/experiments/experiment-jobs.js';
import { trialsOf } from '../../src/experiments/trials.js';

interface Person {
  readonly scanner?: string;
  readonly split?: string;
  readonly visits?: number;
  readonly channels?: readonly string[];
}

function experimentOf(
  persons: readonly Person[],
  questions: ExperimentFile['questions'],
  rest: Partial<ExperimentFile> = {},
): Experiment {
  const channelNames = ['FLAIR', 'T1', 'T2'];
  const rows = persons.flatMap(({ scanner, split, visits = 1, channels = channelNames }, person) =>
    Array.from({ length: visits }, (_, visit) => ({
      row: { case: `p${person}v${visit}`, patient: `p${person}`, scanner, split },
      images: channelNames.map((name) => (channels.includes(name) ? `/data/${name}` : undefined)),
    })),
  );
  const training = { epochs: 2, stepsPerEpoch: 5 };
  return {
    file: { name: 'Made', dataset: 'set', cohort: 'set/cohort.csv', training, questions, ...rest },
    training: { ...trainingDefaults, ...training },
    definition: 'anima',
    margin: 0.05,
    dataset: {
      folder: '/data',
      channelNames,
      optionalChannels: ['T2'],
      classNames: ['background', 'lesion'],
      cases: rows.map(({ row, images }) => ({ name: row.case, images, labels: '/data/l' })),
      description: { file_ending: '.nii.gz' },
    },
    rows: new Map(rows.map(({ row }) => [row.case, row])),
    external: new Map(),
    place: (path) => path,
  };
}

const holdOut = { column: 'split', value: 'test' } as const;
/** Twelve people with two visits on three scanners, and three held out. */
const people: Person[] = Array.from({ length: 15 }, (_, at) => ({
  scanner: 'ABC'[at % 3],
  split: at < 12 ? 'train' : 'test',
  visits: 2,
}));

const problemsOf = (experiment: Experiment): string => {
  try {
    trialsOf(experiment, 'file');
    return '';
  } catch (error) {
    return (error as { details: { found: string } }).details.found;
  }
};

describe('trialsOf', () => {
  it('answers the questions of the paper, without a person on both sides', () => {
    const experiment = experimentOf(
      people,
      [
        { kind: 'cross-validation', folds: 3, stratify: 'scanner' },
        { kind: 'leave-one-out', column: 'scanner' },
        { kind: 'subset', fractions: [0.5, 0.25], repeats: 2, stratify: 'scanner' },
        { kind: 'subset', column: 'scanner', value: 'A' },
        { kind: 'channels', without: 'T1' },
        { kind: 'compare', name: 'LST-LGA', segmenter: 'lst-lga' },
        { kind: 'compare', name: 'soft Dice', training: { loss: 'dice' } },
      ],
      { holdOut },
    );
    const trials = trialsOf(experiment, 'file');
    const count = (question?: number) =>
      trials.filter((trial) => trial.question === question).length;
    expect([undefined, 0, 1, 2, 3, 4, 5, 6].map(count)).toEqual([1, 3, 3, 4, 1, 1, 1, 1]);
    const personOf = (name: string) => name.split('v')[0];
    for (const { system, cases } of trials) {
      if (!('network' in system)) continue;
      const trained = new Set(system.network.cases.map(personOf));
      expect(cases.filter((name) => trained.has(personOf(name)))).toEqual([]);
    }
    const folds = trials.filter(({ question }) => question === 0);
    expect(folds.flatMap(({ cases }) => cases)).toHaveLength(24);
    const [withoutA] = trials.filter(({ question }) => question === 1);
    expect(withoutA.cases).toHaveLength(10);
    const parts = trials.filter(({ question }) => question === 2);
    // Of the four people of each scanner one, and two; the samples of a repeat lie in each other.
    const sizes = parts.map(({ system }) => ('network' in system ? system.network.cases : []));
    expect(sizes.map(({ length }) => length)).toEqual([6, 12, 6, 12]);
    expect(sizes[1]).toEqual(expect.arrayContaining([...sizes[0]]));
    const scanners = sizes[0].map((name) => experiment.rows.get(name)!.scanner);
    expect([...scanners].sort()).toEqual(['A', 'A', 'B', 'B', 'C', 'C']);
    expect(trialsOf(experiment, 'file')).toEqual(trials);
  });

  it('trains once what two questions need, and segments once', () => {
    const experiment = experimentOf(
      people.map((person) => ({
        ...person,
        scanner: person.scanner === 'C' ? 'B' : person.scanner,
      })),
      [
        { kind: 'leave-one-out', column: 'scanner' },
        { kind: 'subset', column: 'scanner', value: 'A' },
        { kind: 'subset', fractions: [1], repeats: 3 },
        { kind: 'compare', name: 'the same', training: { loss: 'dice-and-cross-entropy' } },
      ],
      { holdOut },
    );
    const trials = trialsOf(experiment, 'file');
    expect(trials).toHaveLength(8);
    // All, without A, without B which is only A.
    expect(networksOf(trials).size).toBe(3);
    const segmented = predictionsOf(trials).length;
    expect(segmented).toBeLessThan(trials.reduce((sum, { cases }) => sum + cases.length, 0));
  });

  it('lists everything that stands in the way', () => {
    const odd: Person[] = [
      { scanner: 'A', split: 'train', channels: ['FLAIR', 'T1'] },
      { scanner: 'A', split: 'train', channels: ['FLAIR', 'T1'] },
      { scanner: 'B', split: 'train' },
      { split: 'train', channels: ['FLAIR', 'T1'] },
      { scanner: 'B', split: 'test' },
    ];
    const found = problemsOf(
      experimentOf(
        odd,
        [
          { kind: 'cross-validation' },
          { kind: 'leave-one-out', column: 'scanner' },
          { kind: 'subset', fractions: [0.5], repeats: 1, stratify: 'scanner' },
          { kind: 'subset', column: 'scanner', value: 'C' },
          { kind: 'channels', without: 'T2' },
          { kind: 'channels', without: 'PD' },
        ],
        { holdOut },
      ),
    );
    expect(found).toContain('question 1 (cross-validation): 5 folds need 5 persons; there are 4');
    expect(found).toContain('question 2 (leave-one-out): no scanner for p3v0');
    expect(found).toContain('question 3 (subset): scanner B has one person');
    expect(found).toContain('question 4 (subset): no training case has scanner C');
    expect(found).toContain('question 5 (channels): 3 of 4 training cases lack T2 already');
    expect(found).toContain('question 6 (channels): no channel PD');
    const needs = problemsOf(experimentOf(people, [{ kind: 'channels', without: 'T1' }]));
    expect(needs).toContain('holdOut');
  });

  it('refuses a person who is held out and trained on', () => {
    const found = problemsOf(
      experimentOf(people, [{ kind: 'cross-validation', folds: 3 }], { holdOut: ['p3v1', 'p99'] }),
    );
    expect(found).toContain('p3v0: of the same person as p3v1, which is held out');
    expect(found).toContain('holdOut: no case p99');
  });

  it('refuses two questions whose cases the report would count as those of one', () => {
    const asked = (...questions: ExperimentFile['questions']) =>
      problemsOf(experimentOf(people, questions, { holdOut }));
    const again = 'there is one already';
    expect(asked({ kind: 'cross-validation' }, { kind: 'cross-validation', folds: 3 })).toContain(
      `question 2 (cross-validation): ${again}`,
    );
    const fractions = { kind: 'subset', fractions: [0.5], repeats: 2 } as const;
    expect(asked(fractions, { ...fractions, stratify: 'scanner' })).toContain(again);
    const leaveOneOut = { kind: 'leave-one-out', column: 'scanner' } as const;
    expect(asked(leaveOneOut, leaveOneOut)).toContain(again);
    expect(asked(leaveOneOut, { kind: 'subset', column: 'scanner', value: 'A' })).toBe('');
  });

  it('keeps exams apart whose names differ only in signs', () => {
    const system = { segmenter: 'lesions' } as const;
    const cases = ['p.1', 'p_1', 'p-1'];
    expect(predictionsOf([{ title: 'all', system, cases }]).map(({ name }) => name)).toEqual(cases);
  });
});
