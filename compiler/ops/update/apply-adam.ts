/** @file Adam (Kingma & Ba 2015, algorithm 1) with decoupled decay (Loshchilov & Hutter 2019). */
import { defineOp } from "../define-op.js";
import { number, scale } from "../shared/gradients.js";
import { only, updatedTypes, updateEach, updateGradient, updateSample } from "../shared/updates.js";

const signed = [-2, 2] as const;
const positive = [0, 2] as const;
const usual = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

export const applyAdam = defineOp({
  kind: "applyAdam",
  summary: "Adam; with weightDecay, AdamW.",
  inputs: ["p", "m", "v", "g", "lr", "step"],
  infer: (inputs) =>
    updatedTypes(
      inputs,
      ["parameter", "first moment", "second moment", "gradient"],
      ["learning rate", "step"],
    ),
  gradient: updateGradient,
  expand: (b, [p, m, v, g, lr, step], { beta1, beta2, epsilon, weightDecay }) => {
    const first = b.add(scale(b, m, beta1), scale(b, g, 1 - beta1));
    const second = b.add(scale(b, v, beta2), scale(b, b.square(g), 1 - beta2));
    const missing = (beta: number) => b.sub(number(b, 1), b.pow(number(b, beta), step));
    const deviation = b.sqrt(b.div(second, missing(beta2)));
    const ratio = b.div(b.div(first, missing(beta1)), b.add(deviation, number(b, epsilon)));
    const change = weightDecay === 0 ? ratio : b.add(ratio, scale(b, p, weightDecay));
    return [b.sub(p, b.mul(lr, change)), first, second];
  },
  evaluate: ([p, m, v, g, lr, step], { beta1, beta2, epsilon, weightDecay }) =>
    updateEach([p, m, v, g], ([p = 0, m = 0, v = 0, g = 0]) => {
      const first = beta1 * m + (1 - beta1) * g;
      const second = beta2 * v + (1 - beta2) * g * g;
      const corrected = first / (1 - beta1 ** only(step));
      const deviation = Math.sqrt(second / (1 - beta2 ** only(step)));
      const change = corrected / (deviation + epsilon) + weightDecay * p;
      return [p - only(lr) * change, first, second];
    }),
  samples: [
    updateSample([signed, positive], [0.01, 1], { ...usual, weightDecay: 0 }),
    updateSample([signed, positive], [0.01, 17], { ...usual, weightDecay: 0 }),
    updateSample([signed, positive], [0.01, 3], { ...usual, weightDecay: 0.05 }),
  ],
});
