/** @file accuracy: share of examples whose predicted class is the true one. */
import { eachClass } from "./classes.js";
import { defineMetric } from "./define-metric.js";

export const accuracy = defineMetric({
  kind: "accuracy",
  heads: ["category", "binary"],
  running: true,
  create: (head) => {
    let correct = 0;
    let count = 0;
    return {
      add: (prediction, target) =>
        eachClass(head, prediction, target, (predicted, actual) => {
          if (predicted === actual) correct++;
          count++;
        }),
      result: () => correct / count,
      save: () => ({ numbers: [correct, count] }),
      restore: ({ numbers }) => {
        [correct = 0, count = 0] = numbers;
      },
    };
  },
});
