/** @file Scores to probabilities. */
import { defineOp } from "../define-op.js";
import { map } from "../shared/elementwise.js";
import { logSoftmaxOf, softmaxSamples, softmaxTypes } from "../shared/softmax.js";

// y = e^x / Σ e^x   ⇒   dx = y·(dy − Σ dy·y)
export const softmax = defineOp({
  kind: "softmax",
  summary: "Turns scores into probabilities along one axis.",
  inputs: ["x"],
  infer: ([x], { axis }) => softmaxTypes(x, axis),
  gradient: {
    backward: ({ b, outputs: [y], attrs: { axis }, grad }) => {
      const total = b.sum(b.mul(grad, y), { axes: [axis], keepDims: true });
      return [b.mul(y, b.sub(grad, total))];
    },
  },
  expand: (b, [x], { axis }) => {
    const along = { axes: [axis], keepDims: true };
    const shifted = b.exp(b.sub(x, b.max(x, along)));
    return [b.div(shifted, b.sum(shifted, along))];
  },
  evaluate: ([x], { axis }) => map(logSoftmaxOf(x, axis), Math.exp),
  samples: softmaxSamples,
});
