/** @file Gradient of relu, from its output. */
import { defineOp } from "../define-op.js";
import { zip } from "../shared/broadcast.js";
import { allFloats, expectDtype, expectSameDtype, expectShape } from "../shared/expect.js";
import { number } from "../shared/gradients.js";

export const reluGrad = defineOp({
  kind: "reluGrad",
  summary: "dy where y > 0, else 0.",
  inputs: ["dy", "y"],
  infer: ([dy, y]) => {
    expectDtype(dy, allFloats, 0);
    expectSameDtype(dy, y, 1);
    expectShape(y, dy.shape, 1, "the output");
    return [dy];
  },
  // Towards y it is constant between its jumps.
  gradient: { backward: ({ b, inputs: [, y], grad }) => [b.reluGrad(grad, y), null] },
  expand: (b, [dy, y]) => [b.select(b.greater(y, number(b, 0)), dy, number(b, 0))],
  evaluate: ([dy, y]) => zip(dy, y, (g, v) => (v > 0 ? g : 0)),
  samples: [{ inputs: [{ shape: ["n", 5] }, { shape: ["n", 5], avoid: [0] }] }],
});
