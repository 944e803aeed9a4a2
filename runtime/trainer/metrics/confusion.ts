/** @file confusion: counts of examples, a row per true class, a column per predicted class. */
import { countingAccumulator } from "./classes.js";
import { defineMetric } from "./define-metric.js";

export const confusion = defineMetric({
  kind: "confusion",
  heads: ["category", "binary"],
  running: false,
  create: (head) =>
    countingAccumulator(head, ({ classes, at }) =>
      Array.from({ length: classes }, (_, actual) =>
        Array.from({ length: classes }, (_, predicted) => at(actual, predicted)),
      ),
    ),
});
