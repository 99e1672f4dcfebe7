import { describe, expect, it } from 'vitest';
import { differences, evaluateCase, golden } from './anima-golden.js';
import { tinyPair } from './perturb.js';

describe('the anima definition on tiny masks', () => {
  it.each(golden('anima-tiny'))('equals animaSegPerfAnalyzer: $kind, seed $seed', (animaCase) => {
    const evaluation = evaluateCase(animaCase, ...tinyPair(animaCase));
    expect(differences(animaCase, evaluation)).toEqual([]);
  });
});
