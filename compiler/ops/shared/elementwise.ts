/** @file Shape rule and reference meaning of ops that treat every element alike. */
import type { TensorType } from "../../ir/types.js";
import type { ReferenceTensor } from "../define-op.js";

export const sameType = (x: TensorType): readonly TensorType[] => [x];

export const map = (x: ReferenceTensor, f: (v: number) => number): readonly ReferenceTensor[] => [
  { dtype: x.dtype, shape: x.shape, data: x.data.map(f) },
];
