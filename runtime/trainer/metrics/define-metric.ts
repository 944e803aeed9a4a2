/** @file What a metric is: a streaming summary of predictions against targets, in the user's units. */
import type { HeadSpec, MetricSpec } from "../../spec.js";
import type { HostTensor } from "../../tensor.js";

/** A number; or, for the confusion matrix, rows of counts by true class. NaN: undefined for this data. */
export type MetricValue = number | readonly (readonly number[])[];

/** An accumulator's memory: small numbers (exact in JSON) and, where there is much, tensors. */
export interface MetricMemory {
  readonly numbers: readonly number[];
  readonly tensors?: Readonly<Record<string, HostTensor>>;
}

/**
 * Sums up one head over any number of batches. Examples count one by one in order, so the result does
 * not depend on how they were divided into batches.
 */
export interface MetricAccumulator {
  /** `prediction` is the head's output `[n, …]`; `target` what it is compared with, `[n]` or `[n, …]`. */
  add(prediction: HostTensor, target: HostTensor): void;
  result(): MetricValue;
  /** For checkpoints inside an epoch: `restore(save())` gives an equal accumulator. */
  save(): MetricMemory;
  restore(memory: MetricMemory): void;
}

export interface MetricDefinition<K extends MetricSpec["kind"] = MetricSpec["kind"]> {
  readonly kind: K;
  /** The kinds of head it can judge. */
  readonly heads: readonly HeadSpec["kind"][];
  /** Its result is a number that costs next to nothing: shown with every step. */
  readonly running: boolean;
  create(head: HeadSpec, spec: MetricSpec & { readonly kind: K }): MetricAccumulator;
}

export function defineMetric<K extends MetricSpec["kind"]>(
  definition: MetricDefinition<K>,
): MetricDefinition<K> {
  return definition;
}
