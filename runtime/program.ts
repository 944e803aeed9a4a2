/** @file Programs: what a generated package hands to an engine. */
import type { Ops } from "./ops.js";
import type { DType } from "./tensor.js";

/** A dimension of a program input: a number, or `"n"` for the batch. */
export type ProgramDim = number | "n";

export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly ProgramDim[];
}

/** How a state tensor gets its first value. Fans are those of the layer (Glorot & Bengio 2010). */
export interface InitSpec {
  readonly kind:
    | "zeros"
    | "ones"
    | "constant"
    | "uniform"
    | "normal"
    | "glorot_uniform"
    | "glorot_normal"
    | "he_uniform"
    | "he_normal"
    | "lecun_uniform"
    | "lecun_normal"
    | "orthogonal"
    /** Biases of four gates: zeros, but ones for the second, the forget gate of an LSTM. */
    | "unit_forget"
    /** Starts equal to another state tensor (moving averages of weights). */
    | "copy";
  readonly fanIn?: number;
  readonly fanOut?: number;
  /** constant: the value; uniform: half width; normal: standard deviation; orthogonal: gain. */
  readonly value?: number;
  /** copy: the name of the other state tensor. */
  readonly of?: string;
}

export interface StateSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /**
   * weight: trained; buffer: moved by the forward pass (running statistics);
   * slot: the optimiser's memory; average: moving average of a weight, used instead of it for
   * evaluation and prediction; accumulator: gradients summed between updates.
   */
  readonly role: "weight" | "buffer" | "slot" | "average" | "accumulator";
  readonly init: InitSpec;
  /** The layer that owns it, as named in the spec. */
  readonly layer: string;
}

/** The output that tells whether an update was skipped (1) or not (0): of programs with loss scaling. */
export const skippedOutput = "precision.skipped";

/** The arguments of a program's function: handles of one engine, by name. */
export interface ProgramArguments<T> {
  readonly inputs: Readonly<Record<string, T>>;
  readonly scalars: Readonly<Record<string, T>>;
  readonly state: Readonly<Record<string, T>>;
  /** The concrete batch size this recording is for. */
  readonly n: number;
}
export interface ProgramResults<T> {
  readonly outputs: Readonly<Record<string, T>>;
  /** New values of the state tensors named in `updates`. */
  readonly state: Readonly<Record<string, T>>;
}

/**
 * A straight-line program over the op contract. An engine calls `run` once per batch size with
 * handles that record a graph, and executes that graph for every batch.
 */
export interface Program {
  readonly name: string;
  /** Tensors of one batch. */
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** Scalars fed with every call (see `Scalars`). */
  readonly scalars: Readonly<Record<string, DType>>;
  /** State tensors it reads. */
  readonly reads: readonly string[];
  /** State tensors it replaces. */
  readonly updates: readonly string[];
  readonly outputs: Readonly<Record<string, TensorSpec>>;
  run<T>(o: Ops<T>, args: ProgramArguments<T>): ProgramResults<T>;
}

/** The scalars that programs may ask for, provided by the trainer but for the last. */
export interface Scalars {
  /** f32, from the schedule. */
  readonly learning_rate: number;
  /** f32, number of this optimiser update, counted from 1. */
  readonly step: number;
  /** u32, derived from seed and step: see random.ts. */
  readonly random_key: number;
  /** i32, while a sequence is generated: which of its tokens is the last that is known, from 0. */
  readonly position?: number;
}
