/** @file RMSProp (Hinton 2012, lecture 6e). */
import { defineOp } from "../define-op.js";
import { number, scale } from "../shared/gradients.js";
import { only, updatedTypes, updateEach, updateGradient, updateSample } from "../shared/updates.js";

const signed = [-2, 2] as const;
const positive = [0, 2] as const;

export const applyRmsprop = defineOp({
  kind: "applyRmsprop",
  summary: "s ← rho·s + (1−rho)·g²;  v ← momentum·v + g/(√s+epsilon);  p ← p − lr·v.",
  inputs: ["p", "s", "v", "g", "lr"],
  infer: (inputs) =>
    updatedTypes(inputs, ["parameter", "mean square", "velocity", "gradient"], ["learning rate"]),
  gradient: updateGradient,
  expand: (b, [p, s, v, g, lr], { rho, momentum, epsilon }) => {
    const squares = b.add(scale(b, s, rho), scale(b, b.square(g), 1 - rho));
    const scaled = b.div(g, b.add(b.sqrt(squares), number(b, epsilon)));
    const velocity = b.add(scale(b, v, momentum), scaled);
    return [b.sub(p, b.mul(lr, velocity)), squares, velocity];
  },
  evaluate: ([p, s, v, g, lr], { rho, momentum, epsilon }) =>
    updateEach([p, s, v, g], ([p = 0, s = 0, v = 0, g = 0]) => {
      const squares = rho * s + (1 - rho) * g * g;
      const velocity = momentum * v + g / (Math.sqrt(squares) + epsilon);
      return [p - only(lr) * velocity, squares, velocity];
    }),
  samples: [
    updateSample([positive, signed], [0.01], { rho: 0.9, momentum: 0, epsilon: 1e-7 }),
    updateSample([positive, signed], [0.01], { rho: 0.95, momentum: 0.9, epsilon: 1e-3 }),
  ],
});
