/** @file mse: mean squared error, in the squared units of the target. */
import { defineMetric } from "./define-metric.js";
import { meanAccumulator } from "./values.js";

export const mse = defineMetric({
  kind: "mse",
  heads: ["value"],
  running: true,
  create: () => meanAccumulator((predicted, actual) => (predicted - actual) ** 2),
});
