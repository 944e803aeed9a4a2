/** @file What lowering hands on: graphs without gradients, and the state they use. */
import type { HeadSpec, StateSpec } from "@dlc/runtime";
import type { GraphBuilder } from "../ir/builder.js";
import type { Span } from "../ir/origin.js";
import type { Graph, Shape, Value } from "../ir/types.js";
import type { Generation } from "./generation.js";
import type { LoweredPhase } from "./phases.js";

/** A trained tensor as the optimiser sees it. */
export interface WeightInfo {
  readonly name: string;
  /** The state node's value in the training graph. */
  readonly value: Value;
  /** Does decoupled weight decay apply? */
  readonly decay: boolean;
  /** Factor on the learning rate; default 1. */
  readonly rate?: number;
}

/** One row of `dlc inspect`. */
export interface LayerSummary {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  readonly output: Shape;
  /** Elements of trained tensors and of buffers that belong to the layer. */
  readonly weights: number;
  readonly buffers: number;
  /** Multiply-adds ×2 of one example's forward pass. */
  readonly flops: number;
  /** The layer's entry in the spec. */
  readonly span: Span;
}

export interface LoweredModel {
  readonly state: Readonly<Record<string, StateSpec>>;
  /** By weight that has a row or column for each token: the text whose tokens these are. */
  readonly tokenWeights: ReadonlyMap<string, string>;
  readonly heads: readonly HeadSpec[];
  /** Outputs: the heads. */
  readonly infer: Graph;
  /**
   * Outputs: `loss`, `loss.<name>` when there are several, `steps.<name>` of means over steps (f32 [2]: how
   * many in the batch, and what the loss adds to the sum), the heads. Null without `train`.
   */
  readonly evaluate: Graph | null;
  /** As evaluate, in training mode, with buffer updates as state outputs; penalties are in `loss`. */
  readonly training: Graph | null;
  /** In place of `training` (then null) and of all `weights` at once, where the spec has phases. */
  readonly phases?: readonly LoweredPhase[];
  /** What `generate()` runs; absent where the spec asks for none. */
  readonly generate?: Generation;
  readonly weights: readonly WeightInfo[];
  /** The builder that made `training`: differentiation goes on with it. Null without `train`. */
  readonly builder: GraphBuilder | null;
  readonly layers: readonly LayerSummary[];
}
