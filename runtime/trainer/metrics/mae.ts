/** @file mae: mean absolute error, in the units of the target. */
import { defineMetric } from "./define-metric.js";
import { meanAccumulator } from "./values.js";

export const mae = defineMetric({
  kind: "mae",
  heads: ["value"],
  running: true,
  create: () => meanAccumulator((predicted, actual) => Math.abs(predicted - actual)),
});
