/** @file Rectified linear unit (Nair & Hinton 2010). */
import { defineOp } from "../define-op.js";
import { map, sameType } from "../shared/elementwise.js";

export const relu = defineOp({
  kind: "relu",
  summary: "max(x, 0).",
  inputs: ["x"],
  infer: ([x]) => sameType(x),
  // From the output alone, so that the activation can be fused into the op before it.
  gradient: { backward: ({ b, outputs: [y], grad }) => [b.reluGrad(grad, y)] },
  evaluate: ([x]) => map(x, (v) => Math.max(v, 0)),
  samples: [{ inputs: [{ shape: ["n", 5], avoid: [0] }] }],
});
