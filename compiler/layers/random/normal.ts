/** @file Normal numbers from uniform ones. */
import type { Shape, Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import { scalar } from "../shared.js";

/**
 * Standard normal numbers of a shape (Box & Muller 1958): sqrt(−2·ln(1 − u))·cos(2π·v). `random`
 * gives multiples of 2⁻²⁴ below 1, so the logarithm is finite and no number exceeds 5.8.
 */
export function normalOf(b: Builder, random: (shape: Shape) => Value, shape: Shape): Value {
  const [u, v] = [random(shape), random(shape)];
  const logarithm = b.log(b.sub(scalar(b, 1), u));
  const radius = b.sqrt(b.mul(logarithm, scalar(b, -2)));
  return b.mul(radius, b.cos(b.mul(v, scalar(b, 2 * Math.PI))));
}
