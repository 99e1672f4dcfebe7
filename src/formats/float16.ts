/**
 * IEEE 754 half precision: 1 sign bit, 5 exponent bits, 10 fraction bits. Normal from 2^-14 to 65504,
 * subnormal in steps of 2^-24 below.
 */

const bits = new Uint32Array(1);
const value = new Float32Array(bits.buffer);

/** Every half is a single: exact. All NaN become one quiet NaN. */
export function toFloat32(halves: Uint16Array): Float32Array {
  return new Float32Array(halves).map((half) => singles[half]);
}

/** The 65 536 halves as singles. */
const singles = Float32Array.from({ length: 2 ** 16 }, (_, half) => {
  const sign = half >>> 15 === 0 ? 1 : -1;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
});

/**
 * Rounded to the nearest half, ties to the even one; from 65520 on infinite, NaN stays NaN, the sign
 * of 0 is kept.
 */
export function toFloat16(numbers: Float32Array): Uint16Array {
  const halves = numbers.map((number) => {
    value[0] = number;
    const sign = (bits[0] >>> 16) & 0x8000;
    const magnitude = bits[0] & 0x7fffffff;
    if (magnitude > 0x7f800000) return sign | 0x7e00;
    // 65520 lies halfway between the largest half and the one that would follow.
    if (magnitude >= 0x477ff000) return sign | 0x7c00;
    // Below 2^-14 halves are multiples of 2^-24; adding 0.5 makes a single's last bit just that.
    if (magnitude < 0x38800000) {
      value[0] = Math.abs(number) + 0.5;
      return sign | (bits[0] - 0x3f000000);
    }
    // 13 bits of the fraction go: half of what they can be, less one where the rest is even.
    const lastKept = (magnitude >>> 13) & 1;
    return sign | ((magnitude - 0x38000000 + 0xfff + lastKept) >>> 13);
  });
  return new Uint16Array(halves);
}
