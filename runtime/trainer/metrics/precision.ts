/**
 * @file precision: of the examples taken for a class, the share that are of it; 0 if there are none.
 * Two classes: of the second; more: the mean over the classes.
 */
import { binaryOrMacro, type ClassCounts, countingAccumulator, ratio } from "./classes.js";
import { defineMetric } from "./define-metric.js";

function score(counts: ClassCounts, index: number): number {
  return ratio(counts.at(index, index), counts.predicted(index));
}

export const precision = defineMetric({
  kind: "precision",
  heads: ["category", "binary"],
  running: false,
  create: (head) => countingAccumulator(head, (counts) => binaryOrMacro(counts, score)),
});
