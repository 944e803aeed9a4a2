/** @file Sine and cosine from arithmetic, for devices whose own are too coarse. */
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

/** π in parts with few digits, so that their products with whole numbers below 2¹⁵ are exact (Cody & Waite 1980). */
const piParts: readonly number[] = (() => {
  const high = 201 / 64;
  const middle = Math.round((Math.PI - high) * 2 ** 19) / 2 ** 19;
  return [high, middle, Math.PI - high - middle];
})();

/** Taylor coefficients of sine from the highest: within 6e-8 in −π/2 … π/2. */
const coefficients = [-1 / 39_916_800, 1 / 362_880, -1 / 5040, 1 / 120, -1 / 6];

/**
 * sin(x) (`quarter` 0) or cos(x) = sin(x + π/2) (`quarter` ½): ± sine of the distance r to the multiple of π
 * that is nearest to the argument.
 */
export function sine(p: Primitives, x: Handle, quarter: 0 | 0.5): Handle {
  const turns = p.unary("Floor", p.add(p.scale(x, 1 / Math.PI), p.scalar(0.5 + quarter)));
  const multiple = quarter === 0 ? turns : p.sub(turns, p.scalar(quarter));
  const r = piParts.reduce((rest, part) => p.sub(rest, p.scale(multiple, part)), x);
  const square = p.mul(r, r);
  const series = coefficients.reduce<Handle | null>(
    (sum, c) => (sum === null ? p.scalar(c) : p.add(p.mul(sum, square), p.scalar(c))),
    null,
  ) as Handle;
  const value = p.add(r, p.mul(p.mul(series, square), r));
  // −1 for odd multiples: turns − 2·floor(turns / 2) is 0 or 1.
  const odd = p.sub(turns, p.scale(p.unary("Floor", p.scale(turns, 0.5)), 2));
  return p.mul(value, p.sub(p.scalar(1), p.scale(odd, 2)));
}
