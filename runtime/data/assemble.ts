/** @file Picking rows into batches: the same code in the worker and without it. */
import { derive, permutation } from "../random.js";
import { allocate, type HostTensor, sizeOf } from "../tensor.js";
import type { Encoded } from "./features.js";

/** What a run through a split needs; plain data, sent to the worker once per epoch. */
export interface EpochPlan {
  readonly columns: Readonly<Record<string, Encoded>>;
  /** Rows of the columns that belong to the split; null: all. */
  readonly indices: Uint32Array | null;
  readonly rows: number;
  readonly batch: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly epoch: number;
}

/** One step's tensors, in plain (not shared) memory that the receiver owns. */
export interface Batch {
  /** Features and targets by name, `[n, …]`. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** Of each of the n examples: its row in the source. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Position in the epoch, from 0. */
  readonly index: number;
}

/** The rows of the columns in the order of this epoch. */
export function epochOrder(plan: EpochPlan): Uint32Array<ArrayBuffer> {
  const { indices, rows } = plan;
  const drawn = plan.shuffle ? permutation(rows, derive(plan.seed, plan.epoch)) : null;
  const order = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) {
    const position = drawn === null ? i : (drawn[i] as number);
    order[i] = indices === null ? position : (indices[position] as number);
  }
  return order;
}

/** Batch number `index`; the last one of an epoch holds what is left. */
export function assemble(plan: EpochPlan, order: Uint32Array<ArrayBuffer>, index: number): Batch {
  const start = index * plan.batch;
  const picked = order.subarray(start, Math.min(start + plan.batch, plan.rows));
  const inputs: Record<string, HostTensor> = {};
  for (const [name, column] of Object.entries(plan.columns)) inputs[name] = pick(column, picked);
  return { inputs, rows: picked.slice(), index };
}

function pick({ dtype, shape, data }: Encoded, rows: Uint32Array): HostTensor {
  const size = sizeOf(shape);
  const picked = allocate(dtype, rows.length * size);
  if (size === 1) {
    for (let i = 0; i < rows.length; i++) picked[i] = data[rows[i] as number] as number;
  } else {
    for (let i = 0; i < rows.length; i++) {
      const from = (rows[i] as number) * size;
      picked.set(data.subarray(from, from + size), i * size);
    }
  }
  return { dtype, shape: [rows.length, ...shape], data: picked };
}
