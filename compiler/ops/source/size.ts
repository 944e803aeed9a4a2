/** @file Number of elements of a shape, where the batch size is only known when a program runs. */
import { defineOp } from "../define-op.js";
import { concrete, count } from "../shared/walk.js";

export const size = defineOp({
  kind: "size",
  summary: "The product of dimensions, as an f32 scalar.",
  inputs: [],
  shapeAttrs: ["shape"],
  infer: () => [{ dtype: "f32", shape: [] }],
  gradient: { none: "a size does not depend on values", zero: true },
  evaluate: (_, { shape }) => [
    { dtype: "f32", shape: [], data: Float64Array.of(count(concrete(shape))) },
  ],
  samples: [
    { inputs: [], attrs: { shape: [] } },
    { inputs: [], attrs: { shape: ["n", 4] } },
    { inputs: [], attrs: { shape: ["2n", 3] } },
  ],
});
