import { describe, expect, it } from "vitest";
import { fromHalfBits, halfFormats, roundToHalf, toHalfBits } from "../../runtime/half.js";
import * as random from "../../runtime/random.js";
import type { HalfType } from "../../runtime/tensor.js";

const infinity = Number.POSITIVE_INFINITY;

/** From IEEE 754-2008 and, for bf16, from the bits of f32. */
const known: Readonly<Record<HalfType, readonly (readonly [value: number, rounded: number])[]>> = {
  f16: [
    [0.1, 0.0999755859375],
    [1 / 3, 0.333251953125],
    [65_504, 65_504],
    // Half a step beyond the largest number, and just before.
    [65_519.999, 65_504],
    [65_520, infinity],
    [-65_520, -infinity],
    // Ties go to the even neighbour.
    [2049, 2048],
    [2051, 2052],
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    // Subnormal numbers are multiples of 2⁻²⁴; half of the smallest is 0.
    [2 ** -24, 2 ** -24],
    [2 ** -25, 0],
    [1.5 * 2 ** -24, 2 ** -23],
    [2.5 * 2 ** -24, 2 ** -23],
    [2 ** -14 - 2 ** -25, 2 ** -14],
    [1e-30, 0],
  ],
  bf16: [
    [0.1, 0.10009765625],
    [1 / 3, 0.333984375],
    [257, 256],
    [259, 260],
    [65_520, 65_536],
    [1e30, 1.578125 * 2 ** 99],
    [3.4e38, infinity],
    [2 ** -133, 2 ** -133],
    [2 ** -134, 0],
    [1.5 * 2 ** -133, 2 ** -132],
  ],
};

const types = Object.keys(halfFormats) as HalfType[];

describe.each(types)("%s", (type) => {
  const samples = Array.from({ length: 2000 }, (_, i) => {
    const exponent = 60 * random.uniform(i, 1) - 40;
    return random.normal(i, 2) * 2 ** exponent;
  });

  it.each(known[type])("rounds %f to %f, and its negative likewise", (value, rounded) => {
    expect(roundToHalf(type, value)).toBe(rounded);
    expect(roundToHalf(type, -value)).toBe(-rounded);
  });

  it("leaves zeros, infinities and NaN as they are", () => {
    for (const value of [0, -0, infinity, -infinity, Number.NaN]) {
      expect(roundToHalf(type, value)).toBe(value);
    }
  });

  it("has a number for all bits, which has these bits and is rounded to itself", () => {
    for (let bits = 0; bits < 2 ** 16; bits++) {
      const value = fromHalfBits(type, bits);
      if (Number.isNaN(value)) continue;
      if (!Object.is(roundToHalf(type, value), value)) expect.fail(`${bits}: ${value} moves`);
      if (toHalfBits(type, value) !== bits)
        expect.fail(`${bits} becomes ${toHalfBits(type, value)}`);
    }
    expect(fromHalfBits(type, toHalfBits(type, Number.NaN))).toBeNaN();
  });

  it("takes the nearer of the two neighbours", () => {
    for (const value of samples) {
      const rounded = roundToHalf(type, value);
      if (!Number.isFinite(rounded)) continue;
      const bits = toHalfBits(type, rounded);
      const error = Math.abs(rounded - value);
      for (const other of [bits - 1, bits + 1]) {
        const neighbour = fromHalfBits(type, other & 0xffff);
        if (Math.abs(neighbour - value) < error) expect.fail(`${value}: ${neighbour} is nearer`);
      }
    }
  });

  it("keeps the order of numbers", () => {
    const sorted = samples.toSorted((a, b) => a - b).map((value) => roundToHalf(type, value));
    expect(sorted.every((value, i) => i === 0 || value >= (sorted[i - 1] as number))).toBe(true);
  });
});
