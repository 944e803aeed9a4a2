/**
 * @file The resolved specification as the runtime reads it: plain JSON with every default filled in.
 * The compiler produces it from the YAML and writes it into the generated package (`spec.ts`).
 */
import type { Program, StateSpec } from "./program.js";

// ---------------------------------------------------------------- data

/**
 * Where rows come from. Every path is relative to the spec's folder (`DataSpec.base` at run time) or
 * `npm:package/path`, resolved like an import from that folder. `.gz` is decompressed on the way.
 * A source yields named columns of equal length.
 */
export type SourceSpec =
  /** IDX files (MNIST format), one per column name. */
  | { readonly kind: "idx"; readonly files: Readonly<Record<string, string>> }
  /** RFC 4180 text; the first row names the columns unless `header` lists them. */
  | {
      readonly kind: "csv";
      readonly path: string;
      readonly delimiter: string;
      readonly header: readonly string[] | null;
    }
  /** NumPy arrays (format 1-3, no object dtype), one per column name. */
  | { readonly kind: "npy"; readonly files: Readonly<Record<string, string>> }
  /** CIFAR-10/100 binary files: columns image and label (100: also coarse_label). */
  | { readonly kind: "cifar"; readonly files: readonly string[]; readonly classes: 10 | 100 }
  /** A folder per class holding PNG/JPEG/WebP files: columns image and label (the folder's name). */
  | { readonly kind: "images"; readonly path: string }
  /**
   * JSON. `path`: an array of records (or, with `at`, the array at that key).
   * `byClass`: one file per class, each an array of values: columns `column` and label.
   */
  | { readonly kind: "json"; readonly path: string; readonly at: string | null }
  | {
      readonly kind: "json_by_class";
      readonly files: Readonly<Record<string, string>>;
      readonly at: string | null;
      readonly column: string;
    }
  /** Columns passed to train()/evaluate() by the caller. */
  | { readonly kind: "arrays" };

/** How much of the source is held back. A number ≥ 1 is a row count, below 1 a fraction. */
export interface SplitSpec {
  readonly validation: number;
  readonly test: number;
  /**
   * random: seeded shuffle; last: the rows at the end; hash: by a hash of the row's content
   * (or of `by` columns), so that equal rows never part.
   */
  readonly method: "random" | "last" | "hash";
  readonly by: readonly string[];
  readonly seed: number;
}

/** Standardisation and the like. unit: /255 for images; the others use facts of the training split. */
export type ScaleSpec = "none" | "unit" | "standard" | "minmax";

export type FeatureSpec =
  /** u8 [H, W, C] as stored; other sizes are resized when `resize` is set, else an error. */
  | {
      readonly type: "image";
      readonly column: string;
      readonly shape: readonly [number, number, number];
      readonly scale: ScaleSpec;
      readonly resize: boolean;
    }
  /** f32 [1]. */
  | { readonly type: "number"; readonly column: string; readonly scale: ScaleSpec }
  /** f32 of `shape`, from one column of arrays or from several columns of numbers in order. */
  | {
      readonly type: "vector";
      readonly columns: readonly string[];
      readonly shape: readonly number[];
      readonly scale: ScaleSpec;
    }
  /** i32 index into `classes`; the graph one-hot encodes it or an embedding layer reads it. */
  | {
      readonly type: "category";
      readonly column: string;
      /** null: taken from the training split, sorted. */
      readonly classes: readonly string[] | null;
      readonly encode: "one_hot" | "index";
    };

export interface DataSpec {
  readonly source: SourceSpec;
  readonly validation: SourceSpec | null;
  readonly test: SourceSpec | null;
  readonly split: SplitSpec;
  readonly features: Readonly<Record<string, FeatureSpec>>;
  readonly targets: Readonly<Record<string, FeatureSpec>>;
}

/** What only the data can tell, fitted on the training split at build time. Keyed by feature/target. */
export interface FittedFacts {
  readonly [name: string]: {
    readonly classes?: readonly string[];
    /**
     * Rows of the training split per class, aligned with the classes (the fitted ones or those of the
     * spec). Of category features and targets; `class_weights: balanced` reads them.
     */
    readonly counts?: readonly number[];
    /** standard: mean and standard deviation; minmax: min and max. One number, or one per element. */
    readonly mean?: readonly number[];
    readonly deviation?: readonly number[];
    readonly min?: readonly number[];
    readonly max?: readonly number[];
  };
}

// ---------------------------------------------------------------- training

export type ScheduleSpec =
  | { readonly kind: "constant" }
  /** lr · factor^floor(epoch / every) */
  | { readonly kind: "step"; readonly every: number; readonly factor: number }
  /** lr · decay^epoch, continuous in the step */
  | { readonly kind: "exponential"; readonly decay: number }
  /** lr·(floor + (1−floor)·(1 + cos(π·t/T))/2) over the whole run (Loshchilov & Hutter 2017) */
  | { readonly kind: "cosine"; readonly floor: number }
  /** Smith & Topin 2019: up to lr over `rise` of the run, then down to lr/`final`, both as cosines */
  | {
      readonly kind: "one_cycle";
      readonly rise: number;
      readonly start: number;
      readonly final: number;
    }
  /** lr·factor whenever the monitored value has not improved for `patience` epochs */
  | {
      readonly kind: "reduce_on_plateau";
      readonly factor: number;
      readonly patience: number;
      readonly minimum: number;
    };

export type MetricSpec =
  | { readonly kind: "accuracy" | "precision" | "recall" | "f1" | "auc" | "confusion" }
  | { readonly kind: "top_k"; readonly k: number }
  | { readonly kind: "mae" | "mse" | "r2" };

/** A quantity to watch: "loss", or a metric's name, on the validation split (training if there is none). */
export interface MonitorSpec {
  readonly metric: string;
  readonly mode: "min" | "max";
}

export interface TrainSpec {
  readonly seed: number;
  readonly batch: number;
  readonly epochs: number;
  readonly shuffle: boolean;
  readonly learningRate: number;
  readonly schedule: ScheduleSpec;
  /** Linear rise from 0 over this many optimiser steps, before and multiplied into the schedule. */
  readonly warmupSteps: number;
  /** Batches whose gradients are averaged into one update. */
  readonly accumulate: number;
  readonly metrics: readonly MetricSpec[];
  readonly monitor: MonitorSpec;
  readonly earlyStopping: {
    readonly patience: number;
    readonly minDelta: number;
    readonly restoreBest: boolean;
  } | null;
  readonly checkpoint: {
    /** Also save every so many optimiser steps (0: only at the end of an epoch). */
    readonly everySteps: number;
    /** How many step checkpoints to keep besides the best and the last. */
    readonly keep: number;
  };
}

// ---------------------------------------------------------------- the package

/** One predicted quantity: an output of the programs, decoded for the user. */
export interface HeadSpec {
  /** The target it predicts, or the output layer's name where there is none. Also the program output's name. */
  readonly name: string;
  /** The feature or target it is compared with; null if nothing is. */
  readonly target: string | null;
  /**
   * category: probabilities over classes; binary: one probability of the second class;
   * value: numbers in the units of the target.
   */
  readonly kind: "category" | "binary" | "value";
  readonly classes: readonly string[] | null;
  /** Shape of one example's output. */
  readonly shape: readonly number[];
}

/** What `generate()` of a package makes: the reading of the generate program's only output. */
export interface GenerateSpec {
  readonly head: HeadSpec;
  /** Features (or targets) that the caller gives: what the examples are made for. */
  readonly given: readonly string[];
}

/** One of the updates that every batch makes, in order. */
export interface PhaseProgram {
  readonly name: string;
  /** Calls per batch, each with a random key of its own. */
  readonly steps: number;
  /** Base learning rate, before the schedule; null: that of the settings. */
  readonly learningRate: number | null;
  /** Outputs `loss`, `loss.<phase>.<name>` of several losses, heads; updates what the phase does. */
  readonly train: Program;
}

/** What the generated package tells the runtime. `definition` in its index.ts. */
export interface ModelDefinition {
  readonly name: string;
  readonly dlcVersion: string;
  /** SHA-256 of the resolved spec without its number of epochs and its checkpoint settings. */
  readonly specHash: string;
  /** SHA-256 over names, shapes and dtypes of the state: checkpoints carry it. */
  readonly stateHash: string;
  readonly data: DataSpec | null;
  readonly facts: FittedFacts;
  readonly train: TrainSpec | null;
  readonly state: Readonly<Record<string, StateSpec>>;
  readonly heads: readonly HeadSpec[];
  /** Absent or null: the package generates nothing. */
  readonly generate?: GenerateSpec | null;
  readonly programs: {
    /** features → heads. Always there. */
    readonly infer: Program;
    /** features, targets → loss, losses by name, heads; no state change. */
    readonly evaluate?: Program;
    /** One batch: loss, heads, new state. With accumulation: adds gradients only. */
    readonly train?: Program;
    /** With accumulation: applies the summed gradients and clears them. No batch inputs. */
    readonly apply?: Program;
    /** In place of `train`: several updates per batch. `evaluate` then gives `loss.<phase>`, too. */
    readonly phases?: readonly PhaseProgram[];
    /** `random_key` and the given features → the output that `generate` reads. */
    readonly generate?: Program;
  };
}
