/** @file Adagrad (Duchi et al. 2011). */
import { defineOp } from "../define-op.js";
import { number } from "../shared/gradients.js";
import { only, updatedTypes, updateEach, updateGradient, updateSample } from "../shared/updates.js";

export const applyAdagrad = defineOp({
  kind: "applyAdagrad",
  summary: "a ← a + g²;  p ← p − lr·g/(√a+epsilon).",
  inputs: ["p", "a", "g", "lr"],
  infer: (inputs) =>
    updatedTypes(inputs, ["parameter", "sum of squares", "gradient"], ["learning rate"]),
  gradient: updateGradient,
  expand: (b, [p, a, g, lr], { epsilon }) => {
    const squares = b.add(a, b.square(g));
    const scaled = b.div(g, b.add(b.sqrt(squares), number(b, epsilon)));
    return [b.sub(p, b.mul(lr, scaled)), squares];
  },
  evaluate: ([p, a, g, lr], { epsilon }) =>
    updateEach([p, a, g], ([p = 0, a = 0, g = 0]) => {
      const squares = a + g * g;
      return [p - (only(lr) * g) / (Math.sqrt(squares) + epsilon), squares];
    }),
  samples: [updateSample([[0, 2]], [0.1], { epsilon: 1e-7 })],
});
