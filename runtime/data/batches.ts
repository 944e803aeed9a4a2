/** @file One epoch's batches, in order, assembled ahead of the training loop. */
import { sizeOf } from "../tensor.js";
import type { BatchSource } from "../trainer/source.js";
import { assemble, type Batch, type EpochPlan, epochOrder } from "./assemble.js";
import type { Dataset, Split, SplitName } from "./dataset.js";
import type { BatchWorker } from "./worker-client.js";

export type { Batch } from "./assemble.js";

export interface BatchOptions {
  readonly batch: number;
  readonly seed: number;
  /** With `seed` decides the order of a shuffled epoch. */
  readonly epoch: number;
  readonly shuffle: boolean;
  /** First batch to give, for a run that goes on in the middle of an epoch. Default 0. */
  readonly startBatch?: number;
  /** true: in a thread of its own; false: here, between two steps. Default: whichever is cheaper. */
  readonly worker?: boolean;
}

export interface Batches extends AsyncIterable<Batch> {
  /** Batches in the whole epoch, those before `startBatch` included. */
  readonly count: number;
  /** The next batch; null after the last. */
  next(): Promise<Batch | null>;
  /** Gives up the rest of the epoch. The dataset's worker stays for the next one. */
  close(): Promise<void>;
}

/** Batches that the worker is ahead of the loop. */
const ahead = 4;
/** Below this many bytes per batch, sending it between threads takes longer than assembling it. */
const worthAThread = 1 << 20;

/**
 * The batches of one epoch over a split: each row exactly once, in the order
 * `permutation(rows, derive(seed, epoch))` (or as stored), the last batch with what is left.
 * The same arguments give the same batches, with or without a worker.
 */
export function createBatches(dataset: Dataset, name: SplitName, options: BatchOptions): Batches {
  const split = dataset.splits[name];
  if (split === null) throw new Error(`the dataset has no ${name} split`);
  const { batch, seed, epoch, shuffle, startBatch = 0 } = options;
  if (!Number.isInteger(batch) || batch < 1) throw new Error(`batch size ${batch}`);
  const plan: EpochPlan = {
    columns: split.table.columns,
    indices: split.indices,
    rows: split.rows,
    batch,
    shuffle,
    seed,
    epoch,
  };
  const count = Math.ceil(split.rows / batch);
  const useWorker = options.worker ?? batch * bytesPerRow(split) >= worthAThread;
  const worker = useWorker ? dataset.worker() : null;
  const take = worker === null ? inline(plan) : prefetched(worker, plan, startBatch, count);
  return iterate(count, startBatch, take);
}

/** A split as the trainer takes it; null if the dataset has no such split. */
export function batchSource(
  dataset: Dataset,
  name: SplitName,
  options: Pick<BatchOptions, "worker"> = {},
): BatchSource | null {
  const split = dataset.splits[name];
  if (split === null) return null;
  return {
    size: split.rows,
    batches: ({ batch, epoch, from, shuffle }) =>
      createBatches(dataset, name, {
        ...options,
        batch,
        epoch,
        startBatch: from,
        seed: shuffle ?? 0,
        shuffle: shuffle !== null,
      }),
  };
}

function bytesPerRow(split: Split): number {
  return Object.values(split.table.columns).reduce(
    (bytes, column) => bytes + column.data.BYTES_PER_ELEMENT * sizeOf(column.shape),
    0,
  );
}

interface Taker {
  take(index: number): Promise<Batch>;
  end(): void;
}

function inline(plan: EpochPlan): Taker {
  const order = epochOrder(plan);
  return { take: async (index) => assemble(plan, order, index), end() {} };
}

function prefetched(worker: BatchWorker, plan: EpochPlan, start: number, count: number): Taker {
  const epoch = worker.begin(plan);
  const coming = new Map<number, Promise<Batch>>();
  let asked = start;
  const askUntil = (end: number): void => {
    for (; asked < Math.min(end, count); asked++) {
      const batch = worker.take(epoch, asked);
      // A failure is thrown when the batch is taken; until then nobody listens.
      batch.catch(() => {});
      coming.set(asked, batch);
    }
  };
  askUntil(start + ahead);
  return {
    take(index) {
      askUntil(index + 1 + ahead);
      const batch = coming.get(index) ?? worker.take(epoch, index);
      coming.delete(index);
      return batch;
    },
    end: () => worker.end(epoch),
  };
}

function iterate(count: number, start: number, taker: Taker): Batches {
  let position = start;
  let open = true;
  const close = async (): Promise<void> => {
    if (open) taker.end();
    open = false;
  };
  const next = async (): Promise<Batch | null> => {
    if (!open || position >= count) {
      await close();
      return null;
    }
    return taker.take(position++);
  };
  return {
    count,
    next,
    close,
    async *[Symbol.asyncIterator]() {
      try {
        for (let batch = await next(); batch !== null; batch = await next()) yield batch;
      } finally {
        await close();
      }
    },
  };
}
