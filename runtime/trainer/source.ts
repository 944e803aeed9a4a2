/** @file What the trainer reads examples from; `data/` provides it, tests may provide their own. */
import type { HostTensor } from "../tensor.js";

export interface Batch {
  /** Features and targets by name, `[n, …]`. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** Of each of the n examples: its row in the source, from 0. */
  readonly rows: ArrayLike<number>;
  /** Number of the batch in the epoch, from 0. */
  readonly index: number;
}

export interface BatchSource {
  /** Number of examples. */
  readonly size: number;
  /**
   * The batches of one epoch, in an order that depends on seed and epoch only; the last one holds the
   * remaining examples. `from` skips that many batches without reading them.
   */
  batches(options: {
    readonly batch: number;
    readonly epoch: number;
    readonly from: number;
    /** The seed to shuffle by; null: in the order of the source. */
    readonly shuffle: number | null;
  }): AsyncIterable<Batch>;
}

export interface TrainingData {
  readonly train: BatchSource;
  /** null: the run is monitored on its training metrics. */
  readonly validation: BatchSource | null;
}

export function batchesPerEpoch(source: BatchSource, batch: number): number {
  return Math.ceil(source.size / batch);
}
