import { describe, expect, it } from 'vitest';
import { numberOf, numbersOf } from '../../src/formats/numpy-pickle.js';
import { type PickleValue, parsePickle } from '../../src/formats/pickle.js';
import golden from '../goldens/formats/numpy-pickle.json' with { type: 'json' };

describe.each(Object.entries(golden))('settings pickled by protocol %s', (_protocol, text) => {
  const values = parsePickle(Buffer.from(text, 'base64'), 'p') as Map<string, PickleValue>;

  it.each([
    ['list', [1, 2.5, -3]],
    ['tuple', [1, 1]],
    ['integers', [128, 96, -7]],
    ['floats', [1.5, 0.1]],
    ['rows', [1, 2, 3, 4]],
    // Read row by row, these would be in another order.
    ['columns', undefined],
    ['objects', undefined],
    ['big-endian', undefined],
    ['text', undefined],
    ['names', undefined],
    ['nothing', undefined],
    ['absent', undefined],
  ])('give the numbers of %s', (name, expected) => {
    expect(numbersOf(values.get(name))).toEqual(expected);
  });

  it.each([
    ['float', 0.1],
    ['single', 0.5],
    ['truth', 1],
    ['text', undefined],
    ['integers', undefined],
    ['nothing', undefined],
  ])('give the number %s', (name, expected) => {
    expect(numberOf(values.get(name))).toBe(expected);
  });

  it('give texts and ordered dictionaries as they are', () => {
    expect(values.get('text')).toBe('nonCT');
    expect(values.get('names')).toEqual(new Map([[0, 'FLAIR']]));
  });
});

describe('the numbers of a pickle', () => {
  it('are refused where there are more than settings have', () => {
    expect(numbersOf(new Array(4097).fill(1))).toBeUndefined();
  });

  it('are refused where an array has fewer bytes than its shape asks for', () => {
    const values = parsePickle(Buffer.from(golden[4], 'base64'), 'p') as Map<string, never>;
    const array = values.get('integers')! as { state: PickleValue[] };
    array.state[1] = [2 ** 40];
    expect(numbersOf(array as never)).toBeUndefined();
  });
});
