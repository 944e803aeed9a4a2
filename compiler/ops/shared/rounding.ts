/** @file Rounding of the reference meanings of ops that take halves. */
import { type ElementType, isHalf, roundToHalf } from "@dlc/runtime";
import type { ReferenceTensor } from "../define-op.js";

/** What an op computed in float64 as its result of the given float type: halves are rounded, once. */
export function rounded(
  dtype: ElementType,
  shape: readonly number[],
  data: Float64Array,
): ReferenceTensor {
  return { dtype, shape, data: isHalf(dtype) ? data.map((v) => roundToHalf(dtype, v)) : data };
}
