/** @file Subtracts the mean and divides by the deviation over some axes. */
import type { Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import { scalar } from "../shared.js";

/** (x − mean) / sqrt(variance + epsilon), with the biased variance. */
export function standardise(b: Builder, x: Value, axes: readonly number[], epsilon: number): Value {
  const centred = b.sub(x, b.mean(x, { axes, keepDims: true }));
  const variance = b.mean(b.square(centred), { axes, keepDims: true });
  return b.mul(centred, b.rsqrt(b.add(variance, scalar(b, epsilon))));
}
