/**
 * @file The specification after loading: parameters substituted, blocks expanded, references
 * resolved, defaults filled in, every part with its place in the YAML. What lowering reads.
 */
import type { DataSpec, HalfType, SearchSpec, TrainSpec } from "@dlc/runtime";
import type { Span } from "../ir/origin.js";

/** A layer of a network, as one use of the network has it. */
export interface SharedLayer {
  readonly network: string;
  /** Its name inside the network: state tensors are named `<network>.<layer>.<tensor>`. */
  readonly layer: string;
  /** The entry that uses the network. */
  readonly use: Span;
  /** The name of that use, as losses and other layers call it. */
  readonly useName: string;
  /** Is its output that of the network? */
  readonly isOutput: boolean;
}

/** What owns the weights of a layer, as `update` and state tensors name it. */
export const ownerOf = ({ name, shared }: Pick<LayerUse, "name" | "shared">): string =>
  shared === undefined ? name : `${shared.network}.${shared.layer}`;

/** The network that a layer belongs to, or the layer or block of the model's own list. */
export const updateNameOf = ({ name, shared }: Pick<LayerUse, "name" | "shared">): string =>
  shared?.network ?? name.split("/")[0] ?? name;

/** The layer whose output a reference is: `encoder.last` is one of `encoder`. */
export const layerOf = (reference: string): string => reference.split(".")[0] ?? reference;

/** A value that goes from step to step of a `recurrent`. One of size, like and start is given. */
export interface RecurrentState {
  readonly name: string;
  /** Starts as zeros of this shape (without the batch). */
  readonly size: readonly number[] | null;
  /** Starts as zeros, in the shape of this source. */
  readonly like: string | null;
  /** Starts as this source. */
  readonly start: string | null;
  /** The source inside of the cell that is its next value. */
  readonly next: { readonly name: string; readonly span: Span };
  readonly span: Span;
}

/** The step of a `recurrent`. Inside, `<layer>/x` is a step of the sequence, `<layer>/<state>` a state. */
export interface RecurrentCell {
  readonly layers: readonly LayerUse[];
  readonly states: readonly RecurrentState[];
  /** What a step puts out. */
  readonly output: string;
}

/** All layers, those of cells after the layer that they belong to. */
export const withCells = (layers: readonly LayerUse[]): readonly LayerUse[] =>
  layers.flatMap((layer) => [layer, ...withCells(layer.cell?.layers ?? [])]);

/** One layer of the model, in execution order. */
export interface LayerUse {
  /** The layer type, a key of the layer registry. */
  readonly type: string;
  /** Unique. What `as` says, else type and number (`conv2d_1`); inside a block prefixed: `res1/conv2d_1`. */
  readonly name: string;
  /** Did the user name it with `as`? */
  readonly named: boolean;
  /**
   * Names it reads from: earlier layers (or their further outputs, as `encoder.last`) or features. Empty for a first layer without `from`, which
   * reads the model's default input. Merging layers (add, concat …) list all their inputs.
   */
  readonly from: readonly string[];
  /**
   * What each of `from` is for, where they differ: `input` and roles of the layer. Of `recurrent`,
   * whatever its cell reads from outside follows the input, as `outside`.
   */
  readonly roles?: readonly string[];
  /** Validated, resolved values of all the layer's fields, defaults included. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Of a layer inside a network: whose weights it has. Absent: its own. */
  readonly shared?: SharedLayer;
  /** The block of the library that it is part of, as the spec names it. Absent: the user wrote the layer. */
  readonly library?: string;
  /** Of `recurrent` only. */
  readonly cell?: RecurrentCell;
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
  | "kl_divergence"
  | "wasserstein"
  /** Written kl_divergence with mean and log_variance: a normal distribution against N(0, 1). */
  | "normal_kl_divergence"
  | "gradient_penalty";

export interface LossUse {
  readonly kind: LossKind;
  /** Unique among the losses; the kind unless there are several of it. */
  readonly name: string;
  /** The layer whose output is compared; null: the model's last layer. */
  readonly output: string | null;
  /** A target or feature name, or a number for every element; null: the only target. */
  readonly target: string | number | null;
  /** What the user calls the output, where that is another name: a use of a network or a block. */
  readonly outputName?: string;
  /** Layers that losses without a target read besides the output: mean, log_variance, input. */
  readonly reads?: Readonly<Record<string, string>>;
  /** gradient_penalty: the norm that gradients are drawn to. */
  readonly center?: number;
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

/** One of several updates that each batch makes. */
export interface PhaseUse {
  /** Unique: what it is called, else what it updates. */
  readonly name: string;
  /** Networks, or layers and blocks of the model's own list, whose weights it moves. */
  readonly update: readonly string[];
  readonly losses: readonly LossUse[];
  readonly optimizer: OptimizerUse;
  /** Null: that of the settings. */
  readonly learningRate: number | null;
  /** Updates per batch, each with random numbers of its own. */
  readonly steps: number;
  /** First and last epoch in which it runs, from 1; last null: to the end. */
  readonly epochs: readonly [first: number, last: number | null];
  readonly span: Span;
}

/** `generate:` with `from`: a layer that random numbers stand in for, and what is made of them. */
export interface NoiseUse {
  readonly kind: "noise";
  /** The sample_normal or noise layer. */
  readonly from: string;
  /** The layer whose output is the result. */
  readonly output: string;
  /** What the user calls it. */
  readonly name: string;
  /** The feature or target whose units it has; null: what a loss compares it with. */
  readonly like: string | null;
  readonly span: Span;
}

/** `generate:` with `decoder`: a sequence, token by token. */
export interface SequenceUse {
  readonly kind: "sequence";
  /** The layer that scores the tokens. It reads `of` through `previous` layers. */
  readonly decoder: string;
  /** The text (a feature or target), or the layer of codes, that is said. */
  readonly of: string;
  readonly search: SearchSpec;
  /** Of codes: the layer that makes an example of them, and what the user calls it. */
  readonly render: { readonly output: string; readonly name: string } | null;
  /** As for NoiseUse. */
  readonly like: string | null;
  readonly span: Span;
  /** Where single settings stand. */
  readonly spans: Readonly<Record<string, Span>>;
}

export type GenerateUse = NoiseUse | SequenceUse;

/** A name or glob of layers, blocks or networks; `meansLayer` tells what it means. */
export interface LayerPattern {
  readonly pattern: string;
  readonly span: Span;
}

/** `init:`: weights that a new run starts from. */
export interface InitUse {
  /** Relative to the spec's folder, or npm:package/path. */
  readonly from: string;
  readonly layout: "dlc" | "pytorch" | "keras";
  /** From modules or tensors of the file (or globs) to layers, blocks, networks or tensors; null: not taken. */
  readonly map: readonly {
    readonly from: string;
    readonly to: string | null;
    readonly fromSpan: Span;
    readonly toSpan: Span;
  }[];
  /** The layers that take weights; null: all. */
  readonly only: readonly LayerPattern[] | null;
  /** Of weights that the file does not have. */
  readonly missing: "error" | "keep";
  /** Of `from`. */
  readonly span: Span;
}

/** `train.precision`, where it is not float32. */
export interface PrecisionUse {
  /** What convolutions and matrix products are computed in. */
  readonly half: HalfType;
  /** Dynamic scaling of the loss; null: f16 alone needs it, bf16 has the range of f32. */
  readonly scaling: {
    /** The first scale. */
    readonly scale: number;
    /** Steps without overflow after which the scale doubles. */
    readonly growthSteps: number;
  } | null;
  readonly span: Span;
}

/** The compile-time side of `train:`; `settings` is the run-time side. */
export interface TrainUse {
  readonly settings: TrainSpec;
  /** Of all phases, if there are any. */
  readonly losses: readonly LossUse[];
  /** In their order within a batch. Absent: everything is updated by all losses. */
  readonly phases?: readonly PhaseUse[];
  readonly optimizer: OptimizerUse;
  /** Gradient clipping over all weights by global norm, or element by element. */
  readonly clipNorm: number | null;
  readonly clipValue: number | null;
  /** Penalties on every kernel (not biases, scales, offsets), added to the loss: l1·Σ|w| + l2·Σw². */
  readonly l1: number;
  readonly l2: number;
  /** Decay of the exponential moving average of the weights; null: none. */
  readonly ema: number | null;
  /** What `settings.precision` is made of. Absent: f32. */
  readonly precision?: PrecisionUse;
  /** What stays as it is. Absent: nothing. */
  readonly freeze?: readonly LayerPattern[];
  /** Factors on the learning rate; the last that means a layer counts. Absent: 1 for all. */
  readonly rates?: readonly (LayerPattern & { readonly factor: number })[];
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
  readonly generate?: GenerateUse | null;
  readonly init?: InitUse | null;
  /** Every value of the resolved spec with where it came from, for `dlc inspect --resolved`. */
  readonly origins: readonly {
    readonly path: string;
    readonly value: unknown;
    readonly from: "spec" | "default" | "base" | "block" | "param" | "command line";
    readonly span: Span | null;
  }[];
  /** Canonical JSON of everything above that has meaning (no spans, no paths): hashed into the package. */
  readonly canonical: string;
}
