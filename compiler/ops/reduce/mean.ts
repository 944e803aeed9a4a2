/** @file Mean over axes. */
import { shapeOf } from "../../ir/types.js";
import { defineOp } from "../define-op.js";
import { map } from "../shared/elementwise.js";
import { floats } from "../shared/expect.js";
import { keepAxes, reduce, reducedTypes, reductionSamples } from "../shared/reductions.js";

export const mean = defineOp({
  kind: "mean",
  summary: "Mean over axes.",
  inputs: ["x"],
  infer: ([x], attrs) => reducedTypes(x, attrs, floats),
  // The number of elements is a value of the program: it may depend on the batch size.
  gradient: {
    backward: ({ b, inputs: [x], attrs, grad }) => {
      const elements = b.size({ shape: attrs.axes.map((axis) => shapeOf(x)[axis] ?? 1) });
      const share = b.div(keepAxes(b, grad, x, attrs), elements);
      return [b.broadcastTo(share, { shape: shapeOf(x) })];
    },
  },
  expand: (b, [x], attrs) => {
    const elements = b.size({ shape: attrs.axes.map((axis) => shapeOf(x)[axis] ?? 1) });
    return [b.div(b.sum(x, attrs), elements)];
  },
  evaluate: ([x], attrs) => {
    const total = reduce(x, attrs, 0, (a, v) => a + v);
    const elements = x.data.length / total.data.length;
    return map(total, (v) => v / elements);
  },
  samples: reductionSamples(false),
});
