/** @file What a training run tells while it goes on, and what it returns. */

import type { MetricValue } from "./metrics/define-metric.js";
import type { BestEpoch } from "./monitor.js";
import type { ScaledSteps } from "./precision.js";

export type MetricValues = Readonly<Record<string, MetricValue>>;

/** One line of metrics.ndjson. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Optimiser updates done at its end. */
  readonly step: number;
  /** Of the epoch's last update. */
  readonly learningRate: number;
  /** Means over the epoch while the weights moved. `loss` is always there. */
  readonly train: MetricValues;
  /** With the weights at the end of the epoch; null without validation data. */
  readonly validation: MetricValues | null;
  /** With loss scaling (mixed_float16): updates, how many of them were skipped, and the scale of the last. */
  readonly scaled?: ScaledSteps;
}

export interface TrainResult {
  /** finished: all epochs; the last two are continued by the same call again. */
  readonly status: "finished" | "early-stopping" | "interrupted" | "time-limit";
  /** The run was complete before this call, which did nothing. */
  readonly alreadyFinished: boolean;
  /** The run folder. */
  readonly run: string;
  /** Epochs completed. */
  readonly epochs: number;
  readonly step: number;
  readonly history: readonly EpochRecord[];
  readonly best: BestEpoch | null;
  /** What decides which epoch is best: `loss`, a metric, or `epoch`. */
  readonly monitor: string;
  /** The checkpoint whose weights the model now has. */
  readonly weights: string;
}

export type TrainEvent =
  | {
      readonly kind: "started";
      readonly run: string;
      readonly engine: string;
      readonly device: string;
      readonly threads: number;
      /** Why this engine. */
      readonly why: string;
      /** Trained numbers. */
      readonly parameters: number;
      readonly examples: { readonly train: number; readonly validation: number };
      readonly epochs: number;
      readonly batch: number;
      readonly batchesPerEpoch: number;
      /** Of a new run with `init`: where its first weights come from, and how many tensors. */
      readonly startedFrom: { readonly from: string; readonly tensors: number } | null;
      /** Where an earlier call left off; null for a new run. */
      readonly resumedFrom: {
        readonly checkpoint: string;
        readonly epoch: number;
        readonly step: number;
      } | null;
    }
  | {
      readonly kind: "step";
      /** From 1. */
      readonly epoch: number;
      readonly epochs: number;
      /** Batches of the epoch done, and of how many. */
      readonly batch: number;
      readonly batches: number;
      readonly step: number;
      /** Of this batch. */
      readonly loss: number;
      /** Mean of the epoch so far. */
      readonly meanLoss: number;
      /** Metrics of the epoch so far, those that are cheap to tell. */
      readonly metrics: MetricValues;
      readonly learningRate: number;
      readonly examplesPerSecond: number;
      /** Seconds to the end of the run, validation included; null while unknown. */
      readonly remaining: number | null;
    }
  | {
      readonly kind: "validating";
      readonly epoch: number;
      readonly epochs: number;
      readonly batch: number;
      readonly batches: number;
    }
  | {
      readonly kind: "epoch";
      readonly record: EpochRecord;
      readonly epochs: number;
      /** The best so far by the monitored metric? */
      readonly isBest: boolean;
      readonly seconds: number;
      /** Training examples per second, without validation. */
      readonly examplesPerSecond: number;
    }
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string }
  | { readonly kind: "warning"; readonly code: string; readonly message: string }
  | { readonly kind: "finished"; readonly result: TrainResult };
