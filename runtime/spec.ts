/**
 * @file The resolved specification as the runtime reads it: plain JSON with every default filled in.
 * The compiler produces it from the YAML and writes it into the generated package (`spec.ts`).
 */
import type { MixedPrecision } from "./half.js";
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
  /**
   * A text in UTF-8: one column, `text`, of its lines that are not empty, its paragraphs (with empty
   * lines between them), or consecutive pieces of `length` characters.
   */
  | {
      readonly kind: "text";
      readonly path: string;
      readonly by: "line" | "paragraph" | "characters";
      readonly length: number;
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
    }
  /**
   * i32 [length]: ids of the text's tokens (`FittedFacts.vocabulary`), padded with `specialTokens.pad`
   * behind the end. So the text's own length travels with it.
   */
  | {
      readonly type: "text";
      readonly column: string;
      /** char: Unicode code points; word: words and punctuation; bpe: byte pairs (Sennrich et al. 2016). */
      readonly tokens: "char" | "word" | "bpe";
      /**
       * Steps of the tensor: the most tokens that a text may have, the end token included. 0 before the
       * data are read, where the longest of the source decides (`FittedFacts.length`).
       */
      readonly length: number;
      /** The most entries of the vocabulary, special tokens included; the rarest are left out. */
      readonly vocabulary: number;
      readonly lowercase: boolean;
      /** Every text ends with `specialTokens.end`: what a decoder learns to stop at. */
      readonly end: boolean;
      /** Cut longer texts; otherwise they are errors. */
      readonly truncate: boolean;
      /** Tokens that are not in the vocabulary: `specialTokens.unknown`, or an error. */
      readonly unknown: "replace" | "error";
      /** Text for each value of the column, by the value as text; null: the column holds text. */
      readonly words?: Readonly<Record<string, string>> | null;
    }
  /**
   * Numbers in time, as many steps as each example has. f32 [length, channels + 1]: the last number of
   * a step is 1 where the sequence has that step; behind its end all numbers are 0.
   */
  | {
      readonly type: "sequence";
      readonly column: string;
      /** The most steps; 0 as for text. */
      readonly length: number;
      readonly channels: number;
      readonly scale: ScaleSpec;
      readonly truncate: boolean;
    };

/** Ids that mean the same in every vocabulary. */
export const specialTokens = { pad: 0, unknown: 1, start: 2, end: 3 } as const;
/** How vocabularies spell them. */
export const specialTokenNames = ["<pad>", "<unknown>", "<start>", "<end>"] as const;

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
    /** Of text and sequences without a `max_length`: the steps of the longest of the source. */
    readonly length?: number;
    /** Of text: all tokens by id, the special ones first. Of bpe: bytes as one character each (GPT-2's table). */
    readonly vocabulary?: readonly string[];
    /** bpe: pairs of ids in the order in which they were merged. */
    readonly merges?: readonly (readonly [left: number, right: number])[];
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
  /** Of texts: share of those without a wrong token; exp of the mean cross-entropy per token. */
  | { readonly kind: "exact_match" | "perplexity" }
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
  /** Part of the compiled programs. Absent: all is computed in f32. */
  readonly precision?: MixedPrecision;
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
   * value: numbers in the units of the target; tokens: probabilities over the vocabulary of a text,
   * for every step.
   */
  readonly kind: "category" | "binary" | "value" | "tokens";
  readonly classes: readonly string[] | null;
  /** Shape of one example's output. */
  readonly shape: readonly number[];
}

/** How a sequence is searched for, token by token, unless the caller of generate() says otherwise. */
export interface SearchSpec {
  /** greedy: the most probable token; sample: by chance; beam: the best of several at a time. */
  readonly method: "greedy" | "sample" | "beam";
  /** beam: how many beginnings are followed. */
  readonly beams: number;
  /** sample: scores are divided by it. */
  readonly temperature: number;
  /** sample: only the so many most probable tokens; null: all. */
  readonly topK: number | null;
  /** sample: only the most probable tokens with this probability together; null: all. */
  readonly topP: number | null;
  /** The most tokens, prompt and end token included; null: as many as the decoder has steps. */
  readonly maxLength: number | null;
  /** beam: α of Wu et al. 2016; above 0 longer sequences are preferred. */
  readonly lengthPenalty: number;
}

/** Inputs of the programs of sequences. No feature has such a name. */
export const sequenceInputs = { tokens: "generate.tokens", codes: "generate.codes" } as const;

/**
 * Generation token by token. The program `generate` reads `generate.tokens` (i32 `[n, steps]`: the start token
 * and what has been said so far, 0 behind it) and the scalar `position` (which of them is the last), and
 * gives log-probabilities `[n, vocabulary]` of the next.
 */
export interface SequenceSpec {
  /** The text (a feature or target) whose tokens come out; null: codes, of which `render` makes examples. */
  readonly text: string | null;
  readonly steps: number;
  /** Id of the start token. */
  readonly start: number;
  readonly search: SearchSpec;
  /** The head that predict() gives in this way, as it cannot be computed without its target; null: none. */
  readonly predicts: string | null;
  /** Shape of the codes of one example, as `render` takes them. */
  readonly codes: readonly number[] | null;
}

/** What `generate()` of a package makes: the reading of the generate program's only output. */
export interface GenerateSpec {
  /** With `sequence`: of a text (kind "tokens"), or what `render` gives. */
  readonly head: HeadSpec;
  /** Features (or targets) that the caller gives: what the examples are made for. */
  readonly given: readonly string[];
  /** Absent: examples are made in one call, from random numbers. */
  readonly sequence?: SequenceSpec;
}

/** One of the updates that every batch makes, in order. */
export interface PhaseProgram {
  readonly name: string;
  /** Calls per batch, each with a random key of its own. */
  readonly steps: number;
  /** Base learning rate, before the schedule; null: that of the settings. */
  readonly learningRate: number | null;
  /**
   * First and last epoch in which it runs, from 1; last null: to the end of training. Its schedule, its
   * warm-up and its count of steps begin with the first. Absent: in all epochs.
   */
  readonly epochs?: readonly [first: number, last: number | null];
  /** Outputs `loss`, `loss.<phase>.<name>` of several losses, heads; updates what the phase does. */
  readonly train: Program;
}

/** What is done to a tensor of another tool's file to bring its numbers into dlc's order. */
export type ArrangeStep =
  | { readonly kind: "reshape"; readonly shape: readonly number[] }
  /** Axis i of the result is axis perm[i]. */
  | { readonly kind: "transpose"; readonly perm: readonly number[] }
  /** Ranges [from, to) of an axis, one after the other. */
  | {
      readonly kind: "take";
      readonly axis: number;
      readonly ranges: readonly (readonly [from: number, to: number])[];
    }
  /**
   * Along an axis lie flattened images, channels first. Each piece [height, width, channels] (or
   * [length, channels]) is put channels last; a piece [count] stays as it is.
   */
  | {
      readonly kind: "channels_last";
      readonly axis: number;
      readonly pieces: readonly (readonly number[])[];
    };

/** A tensor of a file, as it was when the package was built. */
export interface InitialTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** In order; the result is read in the shape of the state tensor. */
  readonly steps: readonly ArrangeStep[];
}

/** Weights that a new run starts from in place of initial values: `init:` of the spec. */
export interface InitialWeights {
  /** Relative to the spec's folder: a run, a checkpoint or a safetensors file; or npm:package/path. */
  readonly from: string;
  /** By state tensor: what it is the sum of. */
  readonly tensors: Readonly<Record<string, readonly InitialTensor[]>>;
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
  /** Absent or null: a new run starts from initial values alone. */
  readonly initial?: InitialWeights | null;
  readonly programs: {
    /** features → heads. Always there. */
    readonly infer: Program;
    /**
     * features, targets → loss, losses by name, heads; no state change. Of losses that are means over steps
     * (tokens), also `steps.<name>`: f32 [2], how many in the batch and what the loss adds to the sum.
     */
    readonly evaluate?: Program;
    /** One batch: loss, heads, new state. With accumulation: adds gradients only. */
    readonly train?: Program;
    /** With accumulation: applies the summed gradients and clears them. No batch inputs. */
    readonly apply?: Program;
    /** In place of `train`: several updates per batch. `evaluate` then gives `loss.<phase>`, too. */
    readonly phases?: readonly PhaseProgram[];
    /** `random_key` and the given features → the output that `generate` reads; or see `SequenceSpec`. */
    readonly generate?: Program;
    /** Of sequences: given features → further inputs of `generate`: what does not depend on the tokens. */
    readonly encode?: Program;
    /** Of sequences of codes: `generate.codes` → the output that `generate` reads. */
    readonly render?: Program;
  };
}
