/** @file Addition with broadcasting. */
import { defineOp } from "../define-op.js";
import { broadcastTypes, zip } from "../shared/broadcast.js";
import { sumTo } from "../shared/gradients.js";

export const add = defineOp({
  kind: "add",
  summary: "Sum, elementwise with broadcasting.",
  inputs: ["x", "y"],
  infer: ([x, y]) => broadcastTypes(x, y),
  gradient: {
    backward: ({ b, inputs: [x, y], grad }) => [sumTo(b, grad, x), sumTo(b, grad, y)],
  },
  evaluate: ([x, y]) => zip(x, y, (p, q) => p + q),
  samples: [
    { inputs: [{ shape: ["n", 3] }, { shape: ["n", 3] }] },
    { inputs: [{ shape: ["n", 2, 3] }, { shape: [3] }] },
  ],
});
