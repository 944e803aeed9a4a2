/** @file Gradient descent with momentum (Sutskever et al. 2013). */
import { defineOp } from "../define-op.js";
import { number, scale } from "../shared/gradients.js";
import { only, updatedTypes, updateEach, updateGradient, updateSample } from "../shared/updates.js";

const signed = [-2, 2] as const;

export const applyMomentum = defineOp({
  kind: "applyMomentum",
  summary: "v ← momentum·v + g;  p ← p − lr·(nesterov ? g + momentum·v : v).",
  inputs: ["p", "v", "g", "lr"],
  infer: (inputs) => updatedTypes(inputs, ["parameter", "velocity", "gradient"], ["learning rate"]),
  gradient: updateGradient,
  expand: (b, [p, v, g, lr], { momentum, nesterov }) => {
    const next = b.add(b.mul(number(b, momentum), v), g);
    const direction = nesterov ? b.add(g, scale(b, next, momentum)) : next;
    return [b.sub(p, b.mul(lr, direction)), next];
  },
  evaluate: ([p, v, g, lr], { momentum, nesterov }) =>
    updateEach([p, v, g], ([p = 0, v = 0, g = 0]) => {
      const next = momentum * v + g;
      return [p - only(lr) * (nesterov ? g + momentum * next : next), next];
    }),
  samples: [
    updateSample([signed], [0.1], { momentum: 0.9, nesterov: false }),
    updateSample([signed], [0.1], { momentum: 0.9, nesterov: true }),
  ],
});
