/** @file Gradient descent. */
import { defineOp } from "../define-op.js";
import { only, updatedTypes, updateEach, updateGradient, updateSample } from "../shared/updates.js";

export const applySgd = defineOp({
  kind: "applySgd",
  summary: "p − lr·g.",
  inputs: ["p", "g", "lr"],
  infer: (inputs) => updatedTypes(inputs, ["parameter", "gradient"], ["learning rate"]),
  gradient: updateGradient,
  expand: (b, [p, g, lr]) => [b.sub(p, b.mul(lr, g))],
  evaluate: ([p, g, lr]) => updateEach([p, g], ([p = 0, g = 0]) => [p - only(lr) * g]),
  samples: [updateSample([], [0.1]), updateSample([], [0.5], {}, [])],
});
