/**
 * @file The specification after loading: parameters substituted, blocks expanded, references
 * resolved, defaults filled in, every part with its place in the YAML. What lowering reads.
 */
import type { DataSpec, TrainSpec } from "@dlc/runtime";
import type { Span } from "../ir/origin.js";

/** One layer of the model, in execution order. */
export interface LayerUse {
  /** The layer type, a key of the layer registry. */
  readonly type: string;
  /** Unique. What `as` says, else type and number (`conv2d_1`); inside a block prefixed: `res1/conv2d_1`. */
  readonly name: string;
  /** Did the user name it with `as`? */
  readonly named: boolean;
  /**
   * Names it reads from: earlier layers or features. Empty for a first layer without `from`, which
   * reads the model's default input. Merging layers (add, concat …) list all their inputs.
   */
  readonly from: readonly string[];
  /** Validated, resolved values of all the layer's fields, defaults included. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The whole layer entry in the YAML. */
  readonly span: Span;
  /** Of each field that the user wrote: its value; plus "type" (the key), "from", "as". */
  readonly fieldSpans: Readonly<Record<string, Span>>;
}

export type LossKind =
  | "cross_entropy"
  | "binary_cross_entropy"
  | "mse"
  | "mae"
  | "huber"
  | "hinge"
  | "kl_divergence";

export interface LossUse {
  readonly kind: LossKind;
  /** Unique among the losses; the kind unless there are several of it. */
  readonly name: string;
  /** The layer whose output is compared; null: the model's last layer. */
  readonly output: string | null;
  /** A target or feature name, or a number for every element; null: the only target. */
  readonly target: string | number | null;
  readonly weight: number;
  /** cross_entropy, binary_cross_entropy: 0 … <1. */
  readonly labelSmoothing: number;
  /** Weight of each class by label, or "balanced": inverse frequency in the training split. */
  readonly classWeights: Readonly<Record<string, number>> | "balanced" | null;
  /** huber: where the parabola turns into a line. */
  readonly delta: number;
  /** Over the elements of one example: mean or sum (the batch is always averaged). */
  readonly reduce: "mean" | "sum";
  readonly span: Span;
  /** The word that names the kind. */
  readonly nameSpan: Span;
  /** The labels of `classWeights` that were written, by label. */
  readonly classWeightSpans: ReadonlyMap<string, Span>;
}

export type OptimizerUse = {
  /** Base learning rate is `train.learningRate`. Decoupled decay only for adamw and lion. */
  readonly kind: "sgd" | "adam" | "adamw" | "rmsprop" | "adagrad" | "lion";
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly beta1: number;
  readonly beta2: number;
  readonly rho: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly span: Span;
};

/** The compile-time side of `train:`; `settings` is the run-time side. */
export interface TrainUse {
  readonly settings: TrainSpec;
  readonly losses: readonly LossUse[];
  readonly optimizer: OptimizerUse;
  /** Gradient clipping over all weights by global norm, or element by element. */
  readonly clipNorm: number | null;
  readonly clipValue: number | null;
  /** Penalties on every kernel (not biases, scales, offsets), added to the loss: l1·Σ|w| + l2·Σw². */
  readonly l1: number;
  readonly l2: number;
  /** Decay of the exponential moving average of the weights; null: none. */
  readonly ema: number | null;
  readonly span: Span;
}

export interface ResolvedSpec {
  /** The spec file, absolute; never written into generated files. */
  readonly file: string;
  readonly name: string;
  /** What the model is for; null: the spec does not say. */
  readonly description: string | null;
  readonly data: DataSpec | null;
  /** Of each feature and target name: its entry. */
  readonly dataSpans: Readonly<Record<string, Span>>;
  readonly layers: readonly LayerUse[];
  readonly modelSpan: Span;
  readonly train: TrainUse | null;
  /** Every value of the resolved spec with where it came from, for `dlc inspect --resolved`. */
  readonly origins: readonly {
    readonly path: string;
    readonly value: unknown;
    readonly from: "spec" | "default" | "base" | "param" | "command line";
    readonly span: Span | null;
  }[];
  /** Canonical JSON of everything above that has meaning (no spans, no paths): hashed into the package. */
  readonly canonical: string;
}
