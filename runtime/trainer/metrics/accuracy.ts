/** @file accuracy: share of examples whose predicted class is the true one; of texts, share of tokens. */
import { eachClass } from "./classes.js";
import { defineMetric } from "./define-metric.js";
import { eachText } from "./tokens.js";

export const accuracy = defineMetric({
  kind: "accuracy",
  heads: ["category", "binary", "tokens"],
  running: true,
  create: (head) => {
    let correct = 0;
    let count = 0;
    const visit = (predicted: number, actual: number): void => {
      if (predicted === actual) correct++;
      count++;
    };
    return {
      add: (prediction, target) => {
        if (head.kind !== "tokens") return eachClass(head, prediction, target, visit);
        eachText(head, prediction, target, (steps) => {
          for (const step of steps) visit(step.predicted(), step.actual);
        });
      },
      result: () => correct / count,
      save: () => ({ numbers: [correct, count] }),
      restore: ({ numbers }) => {
        [correct = 0, count = 0] = numbers;
      },
    };
  },
});
