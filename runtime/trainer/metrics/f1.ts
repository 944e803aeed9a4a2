/**
 * @file f1: harmonic mean of precision and recall, 2·hits / (actual + predicted).
 * Two classes: of the second; more: the mean over the classes.
 */
import { binaryOrMacro, type ClassCounts, countingAccumulator, ratio } from "./classes.js";
import { defineMetric } from "./define-metric.js";

function score(counts: ClassCounts, index: number): number {
  return ratio(2 * counts.at(index, index), counts.actual(index) + counts.predicted(index));
}

export const f1 = defineMetric({
  kind: "f1",
  heads: ["category", "binary"],
  running: false,
  create: (head) => countingAccumulator(head, (counts) => binaryOrMacro(counts, score)),
});
