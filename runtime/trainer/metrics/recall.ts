/**
 * @file recall: of the examples of a class, the share that were taken for it; 0 if there are none.
 * Two classes: of the second; more: the mean over the classes.
 */
import { binaryOrMacro, type ClassCounts, countingAccumulator, ratio } from "./classes.js";
import { defineMetric } from "./define-metric.js";

function score(counts: ClassCounts, index: number): number {
  return ratio(counts.at(index, index), counts.actual(index));
}

export const recall = defineMetric({
  kind: "recall",
  heads: ["category", "binary"],
  running: false,
  create: (head) => countingAccumulator(head, (counts) => binaryOrMacro(counts, score)),
});
