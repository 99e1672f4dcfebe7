/**
 * A seeded source of random numbers. The same seed gives the same numbers on every machine; only
 * `normal` depends on the JavaScript engine's logarithm in the last bit.
 */
export interface Random {
  /** 32 random bits, from 0 to 2^32 - 1. */
  bits(): number;
  /** Uniform in [0, 1), in steps of 2^-32. */
  uniform(): number;
  /** Uniform among the whole numbers from 0 to `limit` - 1, without bias. `limit` up to 2^32. */
  integer(limit: number): number;
  /** Normal with mean 0 and standard deviation 1. */
  normal(): number;
}

/**
 * The generator xoshiro128** 1.1 of Blackman and Vigna (2021, doi 10.1145/3460772): 32-bit
 * arithmetic, period 2^128 - 1. Its four words of state are the first outputs of SplitMix32 (a
 * counter in steps of the golden ratio, mixed by MurmurHash3's finalizer) started at the seed.
 * @param seed a whole number from 0 to 2^32 - 1
 * @throws RangeError for any other seed.
 */
export function seededRandom(seed: number): Random {
  if (seed >>> 0 !== seed) throw new RangeError(`seed ${seed}: not a whole number below 2^32`);
  const state = new Uint32Array(4);
  for (let word = 0; word < 4; word++) state[word] = mixed(seed + (word + 1) * 0x9e3779b9);

  function bits(): number {
    const product = Math.imul(state[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = (state[3] << 11) | (state[3] >>> 21);
    return result;
  }

  const uniform = () => bits() / 2 ** 32;

  function integer(limit: number): number {
    if (!(Number.isInteger(limit) && limit > 0 && limit <= 2 ** 32)) {
      throw new RangeError(`limit ${limit}: expected a whole number from 1 to 2^32`);
    }
    // What lies above the largest multiple of the limit is drawn again: all remainders equally often.
    const end = 2 ** 32 - (2 ** 32 % limit);
    let value = bits();
    while (value >= end) value = bits();
    return value % limit;
  }

  /** Box and Muller 1958; the second number of each pair is left, so that no state is hidden. */
  function normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  }

  return { bits, uniform, integer, normal };
}

/** MurmurHash3's 32-bit finalizer. */
function mixed(value: number): number {
  value = Math.imul((value >>> 0) ^ ((value >>> 0) >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
