/** @file Cross entropy between a distribution and scores. */
import { shapeOf, type Value } from "../../ir/types.js";
import { defineOp, Rejection } from "../define-op.js";
import { expectDtype, expectShape, floats } from "../shared/expect.js";
import { reduce } from "../shared/reductions.js";
import { logSoftmaxOf } from "../shared/softmax.js";

const lastAxis = (x: Value): number => shapeOf(x).length - 1;

export const softmaxCrossEntropy = defineOp({
  kind: "softmaxCrossEntropy",
  summary: "−Σ targets · log softmax(logits) over the last axis, which disappears.",
  inputs: ["logits", "targets"],
  infer: ([logits, targets]) => {
    expectDtype(logits, floats, 0, "the logits");
    expectDtype(targets, floats, 1, "the targets");
    if (logits.shape.length === 0) throw new Rejection("logits need a class axis, not a scalar", 0);
    expectShape(targets, logits.shape, 1, "the targets");
    return [{ dtype: "f32", shape: logits.shape.slice(0, -1) }];
  },
  // softmax(logits) − targets, as the targets sum to 1.
  gradient: {
    backward: ({ b, inputs: [logits, targets], grad }) => {
      const axis = lastAxis(logits);
      const column = b.reshape(grad, { shape: [...shapeOf(grad), 1] });
      const surprise = b.neg(b.logSoftmax(logits, { axis }));
      return [b.mul(b.sub(b.softmax(logits, { axis }), targets), column), b.mul(surprise, column)];
    },
  },
  expand: (b, [logits, targets]) => {
    const axis = lastAxis(logits);
    const weighted = b.mul(targets, b.logSoftmax(logits, { axis }));
    return [b.neg(b.sum(weighted, { axes: [axis], keepDims: false }))];
  },
  evaluate: ([logits, targets]) => {
    const axis = logits.shape.length - 1;
    const logarithms = logSoftmaxOf(logits, axis);
    const data = logarithms.data.map((v, i) => -v * (targets.data[i] as number));
    return [reduce({ ...logits, data }, { axes: [axis], keepDims: false }, 0, (a, v) => a + v)];
  },
  samples: [
    { inputs: [{ shape: ["n", 4] }, { shape: ["n", 4], range: [0.1, 1], normalise: true }] },
    { inputs: [{ shape: ["n", 2, 3] }, { shape: ["n", 2, 3], range: [0.1, 1], normalise: true }] },
    {
      inputs: [
        { shape: ["n", 2], range: [-500, 500] },
        { shape: ["n", 2], values: [1, 0, 0, 1, 1, 0] },
      ],
    },
  ],
});
