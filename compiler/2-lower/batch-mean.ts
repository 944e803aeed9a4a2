/** @file From the losses of elements to the loss of a batch: what counts how much. */
import type { LossUse } from "../1-load/resolved-spec.js";
import { shapeOf, type Value } from "../ir/types.js";
import { presenceOf, zeroed } from "../layers/sequence/steps.js";
import { scalar } from "../layers/shared.js";
import type { Builder } from "../ops/define-op.js";
import type { Target } from "./targets.js";

/** A loss of a batch. */
export interface BatchMean {
  readonly value: Value;
  /**
   * f32 scalar: how many steps the mean is over, where that differs from batch to batch. A mean over
   * several batches weights them by it. null: it is one over examples.
   */
  readonly steps: Value | null;
}

/** Averages or sums over the axes from `first`. */
function reduced(b: Builder, x: Value, first: number, reduce: LossUse["reduce"]): Value {
  const axes = shapeOf(x).flatMap((_, axis) => (axis < first ? [] : axis));
  return axes.length === 0 ? x : b[reduce](x, { axes, keepDims: false });
}

/** `[n, …]` → `[n]`: the mean or sum of each example. */
export const perExample = (b: Builder, elements: Value, reduce: LossUse["reduce"]): Value =>
  reduced(b, elements, 1, reduce);

/** The padding of what a loss compares with. */
export const paddingOf = (target: Target): Value | null =>
  target.kind === "tokens" || target.kind === "values" ? target.mask : null;

/**
 * The loss of a batch from that of its elements, `[n, …]`. Of sequences with padding only steps that
 * are there count: the mean is over all steps of the batch, so that a long text weighs as much as its
 * tokens; a sum is one per example.
 */
export function batchMean(
  b: Builder,
  elements: Value,
  mask: Value | null,
  reduce: LossUse["reduce"],
): BatchMean {
  const overBatch = { axes: [0], keepDims: false };
  if (mask === null) {
    return { value: b.mean(perExample(b, elements, reduce), overBatch), steps: null };
  }
  const ofSteps = zeroed(b, reduced(b, elements, 2, reduce), mask);
  if (reduce === "sum") {
    return { value: b.mean(perExample(b, ofSteps, "sum"), overBatch), steps: null };
  }
  const all = { axes: [0, 1], keepDims: false };
  const steps = b.sum(presenceOf(b, mask), all);
  // A batch of nothing but empty sequences has a loss of 0.
  return { value: b.div(b.sum(ofSteps, all), b.maximum(steps, scalar(b, 1))), steps };
}
