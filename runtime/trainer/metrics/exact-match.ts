/**
 * @file exact_match: share of texts whose every token is predicted. Each step is given the true tokens
 * before it; as long as all are hit, these are the predicted ones, so it equals greedy decoding.
 */
import { defineMetric } from "./define-metric.js";
import { eachText } from "./tokens.js";

export const exactMatch = defineMetric({
  kind: "exact_match",
  heads: ["tokens"],
  running: true,
  create: (head) => {
    let matches = 0;
    let count = 0;
    return {
      add: (prediction, target) =>
        eachText(head, prediction, target, (steps) => {
          if (steps.every((step) => step.predicted() === step.actual)) matches++;
          count++;
        }),
      result: () => matches / count,
      save: () => ({ numbers: [matches, count] }),
      restore: ({ numbers }) => {
        [matches = 0, count = 0] = numbers;
      },
    };
  },
});
