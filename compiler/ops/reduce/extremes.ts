/** @file Largest and smallest element over axes. */
import { defineOp } from "../define-op.js";
import { numbers } from "../shared/expect.js";
import { extremeGradient, reduce, reducedTypes, reductionSamples } from "../shared/reductions.js";

export const max = defineOp({
  kind: "max",
  summary: "Largest element over axes.",
  inputs: ["x"],
  infer: ([x], attrs) => reducedTypes(x, attrs, numbers),
  gradient: { backward: extremeGradient },
  evaluate: ([x], attrs) => [reduce(x, attrs, Number.NEGATIVE_INFINITY, Math.max)],
  samples: reductionSamples(true),
});

export const min = defineOp({
  kind: "min",
  summary: "Smallest element over axes.",
  inputs: ["x"],
  infer: ([x], attrs) => reducedTypes(x, attrs, numbers),
  gradient: { backward: extremeGradient },
  evaluate: ([x], attrs) => [reduce(x, attrs, Number.POSITIVE_INFINITY, Math.min)],
  samples: reductionSamples(true),
});
