import { rotation } from '../preprocess/register-motion.js';
import type { Mat4 } from '../volume/affine.js';
import type { Random } from '../volume/random.js';

/** Uniform between two numbers. */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

/** Between two positive numbers, uniform in the logarithm. */
export function betweenLog(random: Random, low: number, high: number): number {
  return low * (high / low) ** random.uniform();
}

export function chance(random: Random, probability: number): boolean {
  return random.uniform() < probability;
}

export function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[random.integer(choices.length)];
}

/** One of some values with given probabilities, which sum to 1. */
export function oneByShare<T>(random: Random, choices: readonly { share: number; value: T }[]): T {
  let left = random.uniform();
  for (const { share, value } of choices) {
    left -= share;
    if (left < 0) return value;
  }
  return choices[choices.length - 1].value;
}

/** Poisson-distributed with a mean below about 500 (Knuth's product of uniform numbers). */
export function poisson(random: Random, mean: number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.uniform(); product > limit; product *= random.uniform()) count++;
  return count;
}

/** Rotation by up to `degrees` about each axis. */
export function rotationDegrees(random: Random, degrees: number): Mat4 {
  const angle = () => (between(random, -degrees, degrees) * Math.PI) / 180;
  return rotation(angle(), angle(), angle());
}
