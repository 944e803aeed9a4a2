/**
 * @file The op contract: the closed set of operations that generated programs are written in.
 *
 * One interface, implemented by every engine (which records a graph or computes), by the compiler's
 * graph builder and by the float64 reference in the tests, so that a gradient rule, a generated
 * training step and an engine all read the same.
 *
 * `T` is the implementer's tensor handle. `D` is its dimension type: plain numbers when a program
 * is recorded for one batch size, symbolic dimensions inside the compiler.
 *
 * Calling convention (generic code relies on it): required tensors are positional (a variadic op
 * takes one array), then one options object that holds the attributes and, by name, the optional
 * tensors. Ops with several results return a tuple.
 *
 * Binary elementwise ops broadcast like NumPy: shapes are aligned at the last axis, and an axis of
 * size 1 stretches. Axes are non-negative. Images are `NHWC` or `NCHW` as `layout` says; filters are
 * always `[outChannels, inChannels / groups, height, width]`.
 *
 * Floats are f32. Halves (f16, bf16) come from `cast` and `constant` and are taken by `halfOps` below, whose float operands
 * are all of one type, which the result has: sums are gathered in f32 or wider and rounded once, at the end.
 */
import type { ElementType } from "./tensor.js";

export type Layout = "NHWC" | "NCHW";
/** Activations that conv2d and matmul can apply to their own result. */
export type FusedActivation = "none" | "relu" | "sigmoid" | "tanh";
export type Pair = readonly [height: number, width: number];
/** Zero padding of the two spatial axes. */
export type Pads = readonly [top: number, left: number, bottom: number, right: number];

export interface ReduceOptions {
  /** Axes to reduce, ascending. */
  readonly axes: readonly number[];
  /** Keep reduced axes with size 1. */
  readonly keepDims: boolean;
}
export interface WindowOptions {
  readonly strides: Pair;
  readonly pads: Pads;
  readonly layout: Layout;
}
export interface ConvOptions extends WindowOptions {
  readonly dilations: Pair;
  /** Input and output channels are split into this many independent groups. */
  readonly groups: number;
}
export interface PoolOptions extends WindowOptions {
  readonly kernel: Pair;
}
export interface AvgPoolOptions extends PoolOptions {
  /** Divide by the whole window (true) or only by its part inside the image (false). */
  readonly countPadding: boolean;
}
export interface Fused<T> {
  /** Added along the output channels (conv2d) or the last axis (matmul) before the activation. */
  readonly bias?: T;
  readonly activation: FusedActivation;
}
export interface NormOptions {
  readonly epsilon: number;
  /** The channel axis; statistics are taken over all other axes. */
  readonly axis: number;
}

export interface Ops<T, D = number> {
  /**
   * Names the layer that the following ops belong to, so that run-time errors and profiles can be
   * traced to the spec. Computes nothing.
   */
  scope(label: string): void;

  // ---- values without inputs
  /** A constant; one number fills the whole shape, an array lists the elements row by row. */
  constant(options: {
    readonly dtype: ElementType;
    readonly shape: readonly D[];
    readonly value: number | readonly number[];
  }): T;
  /** f32 scalar: the product of the given dimensions (1 if there are none). */
  size(options: { readonly shape: readonly D[] }): T;

  // ---- elementwise, one input
  neg(x: T): T;
  exp(x: T): T;
  log(x: T): T;
  sqrt(x: T): T;
  rsqrt(x: T): T;
  square(x: T): T;
  reciprocal(x: T): T;
  abs(x: T): T;
  /** -1, 0 or 1. */
  sign(x: T): T;
  floor(x: T): T;
  sin(x: T): T;
  cos(x: T): T;
  /** Gauss error function. */
  erf(x: T): T;
  relu(x: T): T;
  sigmoid(x: T): T;
  tanh(x: T): T;
  /** log(1 + e^x), without overflow. */
  softplus(x: T): T;
  logicalNot(x: T): T;
  /** dy where y > 0, else 0; `y` is the output of a relu (or anything positive where it was). */
  reluGrad(dy: T, y: T): T;
  /** Rounds to the nearest number of f16 or bf16 (ties to even), from them to f32 exactly: see half.ts. */
  cast(x: T, options: { readonly dtype: ElementType }): T;
  /** The same values; gradients stop here. */
  stopGradient(x: T): T;

  // ---- elementwise, two inputs, broadcasting
  add(x: T, y: T): T;
  sub(x: T, y: T): T;
  mul(x: T, y: T): T;
  div(x: T, y: T): T;
  /** x to the power y; x must be positive unless y is a whole number. */
  pow(x: T, y: T): T;
  maximum(x: T, y: T): T;
  minimum(x: T, y: T): T;
  equal(x: T, y: T): T;
  less(x: T, y: T): T;
  lessEqual(x: T, y: T): T;
  greater(x: T, y: T): T;
  greaterEqual(x: T, y: T): T;
  logicalAnd(x: T, y: T): T;
  logicalOr(x: T, y: T): T;
  /** x where condition (bool) holds, else y. */
  select(condition: T, x: T, y: T): T;

  // ---- reductions
  sum(x: T, options: ReduceOptions): T;
  mean(x: T, options: ReduceOptions): T;
  max(x: T, options: ReduceOptions): T;
  min(x: T, options: ReduceOptions): T;
  /** Index (i32) of the first largest element along an axis, which disappears. */
  argMax(x: T, options: { readonly axis: number }): T;

  // ---- linear algebra
  /**
   * Matrix product over the last two axes: `[…, a, b] × […, b, c] → […, a, c]`; leading axes broadcast.
   * `transposeA`/`transposeB` swap the last two axes of an operand first.
   */
  matmul(
    x: T,
    y: T,
    options: { readonly transposeA: boolean; readonly transposeB: boolean } & Fused<T>,
  ): T;

  // ---- shape and movement
  reshape(x: T, options: { readonly shape: readonly D[] }): T;
  /** Axis i of the result is axis `perm[i]` of x. */
  transpose(x: T, options: { readonly perm: readonly number[] }): T;
  broadcastTo(x: T, options: { readonly shape: readonly D[] }): T;
  /** Elements `starts[i] ≤ index < ends[i]` along `axes[i]`; other axes whole. Static axes only. */
  slice(
    x: T,
    options: {
      readonly axes: readonly number[];
      readonly starts: readonly number[];
      readonly ends: readonly number[];
    },
  ): T;
  /** Adds `before[axis]` and `after[axis]` elements of `value` around every axis. */
  pad(
    x: T,
    options: {
      readonly before: readonly number[];
      readonly after: readonly number[];
      readonly value: number;
    },
  ): T;
  reverse(x: T, options: { readonly axes: readonly number[] }): T;
  concat(xs: readonly T[], options: { readonly axis: number }): T;
  /** Rows of x along `axis`, chosen by i32 `indices`, whose axes take the place of `axis`. */
  gather(x: T, indices: T, options: { readonly axis: number }): T;
  /**
   * `[rows, …tail]` of zeros to which each slice of `updates` (`[…indices.shape, …tail]`) is added
   * at its row: the gradient of gather along axis 0.
   */
  scatterAdd(indices: T, updates: T, options: { readonly rows: number }): T;
  /** f32 `[…indices.shape, depth]`: `on` at the index (i32), `off` elsewhere. */
  oneHot(
    indices: T,
    options: { readonly depth: number; readonly on: number; readonly off: number },
  ): T;

  // ---- convolution and pooling
  /** Cross-correlation, as in every deep-learning library. */
  conv2d(x: T, filter: T, options: ConvOptions & Fused<T>): T;
  /** Gradient of conv2d towards its input; as a forward op, a transposed convolution. */
  conv2dInputGrad(dy: T, filter: T, options: ConvOptions & { readonly inputSize: Pair }): T;
  /** Gradient of conv2d towards its filter. */
  conv2dFilterGrad(x: T, dy: T, options: ConvOptions & { readonly kernelSize: Pair }): T;
  /** Largest value of each window; padding never wins. */
  maxPool2d(x: T, options: PoolOptions): T;
  /**
   * Gradient of maxPool2d, given its input x and output y. Where several elements of a window tie
   * for the maximum an engine may send the gradient to one or to each of them.
   */
  maxPool2dGrad(x: T, y: T, dy: T, options: PoolOptions): T;
  avgPool2d(x: T, options: AvgPoolOptions): T;
  avgPool2dGrad(dy: T, options: AvgPoolOptions & { readonly inputSize: Pair }): T;
  /** Repeats every pixel `scale` times along each spatial axis. */
  resizeNearest(x: T, options: { readonly scale: Pair; readonly layout: Layout }): T;

  // ---- normalisation
  /** (x − mean) / sqrt(variance + epsilon) · scale + offset, per channel. */
  batchNorm(x: T, scale: T, offset: T, mean: T, variance: T, options: NormOptions): T;
  /** As batchNorm with the batch's own statistics, which it also returns (biased variance). */
  batchNormTrain(
    x: T,
    scale: T,
    offset: T,
    options: NormOptions,
  ): readonly [y: T, mean: T, variance: T];
  /** Gradient of batchNormTrain's y. */
  batchNormTrainGrad(
    dy: T,
    x: T,
    scale: T,
    mean: T,
    variance: T,
    options: NormOptions,
  ): readonly [dx: T, dScale: T, dOffset: T];

  // ---- probabilities and losses from logits
  softmax(x: T, options: { readonly axis: number }): T;
  logSoftmax(x: T, options: { readonly axis: number }): T;
  /** −Σ targets · log softmax(logits) over the last axis, which disappears; targets sum to 1. */
  softmaxCrossEntropy(logits: T, targets: T): T;
  /** −(t·log σ(x) + (1 − t)·log(1 − σ(x))), elementwise and without overflow. */
  sigmoidCrossEntropy(logits: T, targets: T): T;

  // ---- recurrence
  /**
   * Runs `body` once for every step of some sequences. `xs` are, in this order: the `carries`, which go
   * from step to step, with their values before the first; the `sequences` (at least one), whose axis 0
   * is time and equally long; and any further tensors, which every step reads as they are.
   *
   * `body` is called with the carries, a slice of each sequence (without the time axis) and the further
   * tensors. It returns the carries' next values, then what the step puts out. It may be called once
   * only, to be recorded: it must depend on nothing but its arguments and values from outside.
   *
   * Results: the carries after the last step, then what the steps put out, stacked along a new axis 0.
   * With `reverse` the last step runs first; slices and outputs keep their places in time.
   */
  scan<R extends readonly [T, ...T[]]>(
    xs: readonly T[],
    options: {
      readonly carries: number;
      readonly sequences: number;
      readonly reverse: boolean;
      readonly body: (...values: T[]) => R;
    },
  ): { readonly [I in keyof R]: T };

  // ---- randomness
  /**
   * Numbers in [0, 1) that depend only on `key` (u32 scalar: seed and step), `site` (which use in
   * the program) and the element's position: see `random.ts` for the generator.
   */
  randomUniform(key: T, options: { readonly shape: readonly D[]; readonly site: number }): T;

  // ---- optimiser updates: parameter, slots, gradient, learning rate (f32 scalar), step (f32 scalar, from 1)
  /** p − lr·g */
  applySgd(p: T, g: T, lr: T): T;
  /** v ← momentum·v + g;  p ← p − lr·(nesterov ? g + momentum·v : v)   (Sutskever et al. 2013) */
  applyMomentum(
    p: T,
    v: T,
    g: T,
    lr: T,
    options: { readonly momentum: number; readonly nesterov: boolean },
  ): readonly [p: T, v: T];
  /** Adam (Kingma & Ba 2015, algorithm 1); weightDecay is decoupled (AdamW, Loshchilov & Hutter 2019). */
  applyAdam(
    p: T,
    m: T,
    v: T,
    g: T,
    lr: T,
    step: T,
    options: {
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly weightDecay: number;
    },
  ): readonly [p: T, m: T, v: T];
  /** s ← rho·s + (1−rho)·g²;  v ← momentum·v + g/(sqrt(s)+epsilon);  p ← p − lr·v   (Hinton 2012) */
  applyRmsprop(
    p: T,
    s: T,
    v: T,
    g: T,
    lr: T,
    options: { readonly rho: number; readonly momentum: number; readonly epsilon: number },
  ): readonly [p: T, s: T, v: T];
  /** a ← a + g²;  p ← p − lr·g/(sqrt(a)+epsilon)   (Duchi et al. 2011) */
  applyAdagrad(
    p: T,
    a: T,
    g: T,
    lr: T,
    options: { readonly epsilon: number },
  ): readonly [p: T, a: T];
  /** p ← p − lr·(sign(beta1·m+(1−beta1)·g) + weightDecay·p);  m ← beta2·m+(1−beta2)·g   (Chen et al. 2023) */
  applyLion(
    p: T,
    m: T,
    g: T,
    lr: T,
    options: { readonly beta1: number; readonly beta2: number; readonly weightDecay: number },
  ): readonly [p: T, m: T];
}

/** Every op name; `scope` is bookkeeping, not an op. */
export type OpKind = Exclude<keyof Ops<unknown>, "scope">;

/** Ops whose results are sums of products: worth computing in halves, and rounded to them. */
export const heavyOps = [
  "matmul",
  "conv2d",
  "conv2dInputGrad",
  "conv2dFilterGrad",
] as const satisfies readonly OpKind[];

/** Ops that take halves: the heavy ones, and those that only move, choose or clear elements. */
export const halfOps = [
  ...heavyOps,
  "constant",
  "cast",
  "reshape",
  "transpose",
  "broadcastTo",
  "slice",
  "pad",
  "reverse",
  "concat",
  "gather",
  "relu",
  "reluGrad",
  "maxPool2d",
  "maxPool2dGrad",
  "resizeNearest",
  "select",
  "stopGradient",
] as const satisfies readonly OpKind[];
