/** @file Weights of classes in a loss. */
import type { FittedFacts } from "@dlc/runtime";
import type { LossUse } from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import { didYouMean } from "../diagnostics/fixes.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { Value } from "../ir/types.js";
import { scalar } from "../layers/shared.js";
import type { Builder } from "../ops/define-op.js";
import type { Target } from "./targets.js";

type Category = Extract<Target, { kind: "category" }>;

/**
 * One number per class. Classes that the spec does not list weigh 1. "balanced": N / (K·count), as
 * scikit-learn has it, so that every class counts the same in total; classes without rows weigh as
 * if they had one. Unknown labels are reported and give null.
 */
export function classWeights(
  use: LossUse,
  { name, classes }: Category,
  facts: FittedFacts,
  diagnostics: Diagnostics,
): readonly number[] | null {
  if (use.classWeights === null) return classes.map(() => 1);
  if (use.classWeights === "balanced") {
    const counts = facts[name]?.counts ?? bug(`the class counts of '${name}' were not fitted`);
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count) => total / (classes.length * Math.max(count, 1)));
  }
  const given = use.classWeights;
  const unknown = Object.keys(given).filter((label) => !classes.includes(label));
  for (const label of unknown) {
    const written = use.classWeightSpans.get(label);
    const span = written ?? use.span;
    diagnostics.report(
      "unknown-class-weight",
      span,
      { label, target: name, classes: classes.join(", ") },
      didYouMean(label, classes, span, written !== undefined),
    );
  }
  const weightOf = (label: string): number =>
    (Object.hasOwn(given, label) ? given[label] : null) ?? 1;
  return unknown.length > 0 ? null : classes.map(weightOf);
}

/**
 * The batch's mean of `[n]` losses: Σ w·l / Σ w with the weight of each example's class, as in
 * PyTorch; a batch's loss keeps its scale however the classes fall.
 */
export function weightedMean(
  b: Builder,
  perExample: Value,
  { indices }: Category,
  weights: readonly number[],
): Value {
  const table = b.constant({ dtype: "f32", shape: [weights.length], value: weights });
  const w = b.gather(table, indices, { axis: 0 });
  const all = { axes: [0], keepDims: false };
  const total = b.sum(w, all);
  // A batch of nothing but classes that weigh 0 has a loss of 0.
  const divisor = weights.includes(0) ? b.maximum(total, scalar(b, 1e-12)) : total;
  return b.div(b.sum(b.mul(perExample, w), all), divisor);
}
