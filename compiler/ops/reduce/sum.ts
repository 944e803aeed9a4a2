/** @file Sum over axes. */
import { shapeOf } from "../../ir/types.js";
import { defineOp } from "../define-op.js";
import { numbers } from "../shared/expect.js";
import { keepAxes, reduce, reducedTypes, reductionSamples } from "../shared/reductions.js";

export const sum = defineOp({
  kind: "sum",
  summary: "Sum over axes.",
  inputs: ["x"],
  infer: ([x], attrs) => reducedTypes(x, attrs, numbers),
  gradient: {
    backward: ({ b, inputs: [x], attrs, grad }) => [
      b.broadcastTo(keepAxes(b, grad, x, attrs), { shape: shapeOf(x) }),
    ],
  },
  evaluate: ([x], attrs) => [reduce(x, attrs, 0, (a, v) => a + v)],
  samples: [
    ...reductionSamples(false),
    {
      inputs: [{ shape: [2, 3], dtype: "i32", values: [1, 2, 3, 4, -5, 6] }],
      attrs: { axes: [1], keepDims: false },
    },
  ],
});
