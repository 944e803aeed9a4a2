/** @file Where a run stands: all that a checkpoint must hold besides tensors to continue exactly. */
import type { CheckpointContents } from "../checkpoint/checkpoint.js";
import type { HostTensor } from "../tensor.js";
import type { LossSums } from "./loss-sums.js";
import type { MetricMemory } from "./metrics/define-metric.js";
import type { MonitorState } from "./monitor.js";
import type { ScaledSteps } from "./precision.js";

/** Running sums over the examples of the current epoch. */
export interface EpochSums {
  readonly examples: number;
  /** Of `loss` and each `loss.<name>`. */
  readonly losses: LossSums;
  readonly metrics: Readonly<Record<string, MetricMemory>>;
  /** With loss scaling: the updates so far. */
  readonly scaled?: ScaledSteps;
}

export const noSums: EpochSums = { examples: 0, losses: {}, metrics: {} };

export interface RunProgress {
  /** Optimiser updates done. */
  readonly step: number;
  /** Batches done since the start of the run; the random key of a batch comes from this. */
  readonly batches: number;
  /** The current epoch, from 0; after the run, the number of epochs. */
  readonly epoch: number;
  /** Batches of the current epoch done. All of them: validation is still to come. */
  readonly position: number;
  /** Batches whose gradients wait in the accumulators. */
  readonly pending: number;
  readonly sums: EpochSums;
  readonly monitor: MonitorState;
  /** Length in bytes of the part of metrics.ndjson that belongs to this state. */
  readonly metricsBytes: number;
  readonly finished: "epochs" | "early-stopping" | null;
}

/** Splits progress into JSON and tensors, as a checkpoint stores it. */
export function packProgress(
  progress: RunProgress,
  seed: number,
): Pick<CheckpointContents, "progress" | "tensors"> {
  const tensors: Record<string, HostTensor> = {};
  const metrics: Record<string, { numbers: readonly number[] }> = {};
  for (const [name, memory] of Object.entries(progress.sums.metrics)) {
    metrics[name] = { numbers: memory.numbers };
    for (const [part, tensor] of Object.entries(memory.tensors ?? {})) {
      tensors[`${name}:${part}`] = tensor;
    }
  }
  return {
    progress: { version: 1, seed, ...progress, sums: { ...progress.sums, metrics } },
    tensors,
  };
}

/** The inverse. The content is trusted: the checkpoint's hashes say that this program wrote it. */
export function unpackProgress({
  progress,
  tensors,
}: Pick<CheckpointContents, "progress" | "tensors">): RunProgress {
  const stored = progress as unknown as RunProgress;
  const metrics: Record<string, MetricMemory> = {};
  for (const [name, { numbers }] of Object.entries(stored.sums.metrics)) {
    const own = Object.entries(tensors)
      .filter(([key]) => key.slice(0, key.lastIndexOf(":")) === name)
      .map(([key, tensor]) => [key.slice(key.lastIndexOf(":") + 1), tensor] as const);
    metrics[name] = { numbers, tensors: Object.fromEntries(own) };
  }
  const { step, batches, epoch, position, pending, sums, monitor, metricsBytes, finished } = stored;
  return {
    step,
    batches,
    epoch,
    position,
    pending,
    sums: { ...sums, metrics },
    monitor,
    metricsBytes,
    finished,
  };
}
