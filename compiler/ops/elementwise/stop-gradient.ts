/** @file A barrier for gradients. */
import { defineOp } from "../define-op.js";

export const stopGradient = defineOp({
  kind: "stopGradient",
  summary: "The same values; gradients stop here.",
  inputs: ["x"],
  infer: ([x]) => [x],
  gradient: { none: "gradients stop here on purpose", zero: true },
  expand: (_, [x]) => [x],
  evaluate: ([x]) => [x],
  // Fixed: its true slope is 1, its gradient is not.
  samples: [{ inputs: [{ shape: ["n", 3], fixed: true }] }],
});
