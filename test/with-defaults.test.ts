import { expect, it } from 'vitest';
import { settingsOf } from '../src/analysis-options.js';
import { withDefaults } from '../src/with-defaults.js';

it('an option that is undefined is as one that is not there', () => {
  expect(withDefaults({ a: 1, b: 2 }, { a: undefined, b: 3, c: undefined })).toEqual({
    a: 1,
    b: 3,
  });
  const all = settingsOf({});
  const none = Object.fromEntries(Object.keys(all).map((name) => [name, undefined]));
  expect(settingsOf(none)).toEqual(all);
});
