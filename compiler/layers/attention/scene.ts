/** @file What the kinds of attention work on. */
import type { Dim } from "../../ir/types.js";
import { shapeOf, type Value } from "../../ir/types.js";
import type { LayerContext } from "../define-layer.js";
import { initOf } from "../init.js";
import type { attentionFields } from "./fields.js";
import type { Visibility } from "./visible.js";

export type AttentionContext = LayerContext<typeof attentionFields>;

export interface Scene {
  /** `[n, steps, querySize]`; of a single vector per example, steps is 1. */
  readonly query: Value;
  /** `[n, length, memorySize]`; the query itself in self-attention. */
  readonly memory: Value;
  readonly isSelf: boolean;
  readonly batch: Dim;
  readonly steps: number;
  readonly length: number;
  readonly querySize: number;
  readonly memorySize: number;
  readonly seen: Visibility | null;
  /** Dropout on the weights, while training. */
  readonly drop: (weights: Value) => Value;
}

export interface Attended {
  /** `[n, steps, size]` */
  readonly value: Value;
  /** `[n, steps, length]`, or `[n, heads, steps, length]`. */
  readonly weights: Value;
}

export const plain = { transposeA: false, transposeB: false, activation: "none" } as const;

/**
 * A trained projection of the last axis, with the bias called `biasName` where the layer has biases.
 * `fanOut`: outputs that count for the initialiser, where several projections share a kernel.
 */
export function project(
  { b, fields, weight }: AttentionContext,
  x: Value,
  name: string,
  [inputs, outputs]: readonly [number, number],
  biasName: string | null,
  fanOut: number = outputs,
): Value {
  const { l1, l2 } = fields;
  const init = initOf(fields.kernel_initializer, inputs, fanOut);
  const kernel = weight(name, [inputs, outputs], init, { decay: true, l1, l2 });
  const product = b.matmul(x, kernel, plain);
  if (!fields.bias || biasName === null) return product;
  const bias = weight(biasName, [outputs], initOf(fields.bias_initializer, inputs, fanOut));
  return b.add(product, bias);
}

/** Elements `start` to `end` of the last axis. */
export function columns({ b }: AttentionContext, x: Value, start: number, end: number): Value {
  return b.slice(x, { axes: [shapeOf(x).length - 1], starts: [start], ends: [end] });
}
