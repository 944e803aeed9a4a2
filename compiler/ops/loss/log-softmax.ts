/** @file Scores to logarithms of probabilities. */
import { defineOp } from "../define-op.js";
import { logSoftmaxOf, softmaxSamples, softmaxTypes } from "../shared/softmax.js";

// y = x − log Σ e^x   ⇒   dx = dy − e^y · Σ dy
export const logSoftmax = defineOp({
  kind: "logSoftmax",
  summary: "Logarithm of softmax, without overflow.",
  inputs: ["x"],
  infer: ([x], { axis }) => softmaxTypes(x, axis),
  gradient: {
    backward: ({ b, outputs: [y], attrs: { axis }, grad }) => {
      const total = b.sum(grad, { axes: [axis], keepDims: true });
      return [b.sub(grad, b.mul(b.exp(y), total))];
    },
  },
  expand: (b, [x], { axis }) => {
    const along = { axes: [axis], keepDims: true };
    const shifted = b.sub(x, b.max(x, along));
    return [b.sub(shifted, b.log(b.sum(b.exp(shifted), along)))];
  },
  evaluate: ([x], { axis }) => [logSoftmaxOf(x, axis)],
  samples: softmaxSamples,
});
