/** @file Lion (Chen et al. 2023). */
import { defineOp } from "../define-op.js";
import { scale } from "../shared/gradients.js";
import { only, updatedTypes, updateEach, updateGradient, updateSample } from "../shared/updates.js";

const signed = [-2, 2] as const;

export const applyLion = defineOp({
  kind: "applyLion",
  summary: "p ← p − lr·(sign(beta1·m+(1−beta1)·g) + weightDecay·p);  m ← beta2·m+(1−beta2)·g.",
  inputs: ["p", "m", "g", "lr"],
  infer: (inputs) => updatedTypes(inputs, ["parameter", "moment", "gradient"], ["learning rate"]),
  gradient: updateGradient,
  expand: (b, [p, m, g, lr], { beta1, beta2, weightDecay }) => {
    const direction = b.sign(b.add(scale(b, m, beta1), scale(b, g, 1 - beta1)));
    const change = weightDecay === 0 ? direction : b.add(direction, scale(b, p, weightDecay));
    const moment = b.add(scale(b, m, beta2), scale(b, g, 1 - beta2));
    return [b.sub(p, b.mul(lr, change)), moment];
  },
  evaluate: ([p, m, g, lr], { beta1, beta2, weightDecay }) =>
    updateEach([p, m, g], ([p = 0, m = 0, g = 0]) => {
      const direction = Math.sign(beta1 * m + (1 - beta1) * g);
      const moment = beta2 * m + (1 - beta2) * g;
      return [p - only(lr) * (direction + weightDecay * p), moment];
    }),
  samples: [
    updateSample([signed], [0.01], { beta1: 0.9, beta2: 0.99, weightDecay: 0 }),
    updateSample([signed], [0.01], { beta1: 0.9, beta2: 0.99, weightDecay: 0.1 }),
  ],
});
