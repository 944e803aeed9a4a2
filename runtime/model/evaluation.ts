/** @file Results of an evaluation in the user's terms. */
import type { SplitName } from "../data/dataset.js";
import type { MetricSpec, ModelDefinition } from "../spec.js";
import type { Evaluation } from "../trainer/evaluate.js";
import { labelsOf } from "./decode.js";
import type { EvaluationResult } from "./types.js";

/** The metrics to evaluate: confusion matrices are always wanted. */
export function withConfusion(metrics: readonly MetricSpec[]): readonly MetricSpec[] {
  return metrics.some(({ kind }) => kind === "confusion")
    ? metrics
    : [...metrics, { kind: "confusion" }];
}

/** An evaluation as users get it: numbers apart from matrices. */
export function summarize(
  definition: ModelDefinition,
  split: SplitName,
  { examples, metrics }: Evaluation,
): EvaluationResult {
  const scalars = Object.entries(metrics).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number",
  );
  const judged = definition.heads.filter(
    ({ kind, target }) => (kind === "category" || kind === "binary") && target !== null,
  );
  const confusion = judged.flatMap((head) => {
    const counts = metrics[judged.length === 1 ? "confusion" : `${head.name}.confusion`];
    return counts === undefined || typeof counts === "number"
      ? []
      : [[head.name, { classes: labelsOf(head), counts }] as const];
  });
  return {
    split,
    examples,
    loss: Number(metrics.loss),
    metrics: Object.fromEntries(scalars),
    confusion: Object.fromEntries(confusion),
  };
}
