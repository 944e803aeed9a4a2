/**
 * @file perplexity: exp of the mean cross-entropy per token, in nats: how many tokens the model hesitates
 * between, as it were (Jelinek et al. 1977). Without smoothing or padding.
 */
import { defineMetric } from "./define-metric.js";
import { eachText } from "./tokens.js";

/** The smallest normal f32: below it a probability has lost its digits. */
const tiny = 2 ** -126;

export const perplexity = defineMetric({
  kind: "perplexity",
  heads: ["tokens"],
  running: true,
  create: (head) => {
    let surprise = 0;
    let count = 0;
    return {
      add: (prediction, target) =>
        eachText(head, prediction, target, (steps) => {
          for (const { probability } of steps) surprise -= Math.log(Math.max(probability, tiny));
          count += steps.length;
        }),
      result: () => Math.exp(surprise / count),
      save: () => ({ numbers: [surprise, count] }),
      restore: ({ numbers }) => {
        [surprise = 0, count = 0] = numbers;
      },
    };
  },
});
