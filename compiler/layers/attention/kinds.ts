/** @file Kinds of attention with one set of weights: how they compare a query with a memory. */
import type { Value } from "../../ir/types.js";
import { initOf } from "../init.js";
import { scalar } from "../shared.js";
import type { Attended, AttentionContext, Scene } from "./scene.js";
import { plain, project } from "./scene.js";
import { blank, weigh } from "./visible.js";

/** Scores `[n, T, S]` of every step of the memory for every step of the query. */
type Score = (context: AttentionContext, scene: Scene) => Value;

const products = { ...plain, transposeB: true } as const;

/** Only vectors of equal size have an inner product. */
function checkSizes({ fields, reject }: AttentionContext, { querySize, memorySize }: Scene): void {
  if (querySize === memorySize) return;
  reject(
    `compares by inner products (kind ${fields.kind}), but the query has ${querySize} numbers in each step and the memory ${memorySize}: kinds general, additive and multi_head take any sizes`,
    "kind",
  );
}

const scores = {
  /** qᵀm   (Luong et al. 2015) */
  dot: (context, scene) => {
    checkSizes(context, scene);
    return context.b.matmul(scene.query, scene.memory, products);
  },
  /** qᵀm / √size   (Vaswani et al. 2017, equation 1) */
  scaled_dot: (context, scene) => {
    checkSizes(context, scene);
    const { b } = context;
    const query = b.mul(scene.query, scalar(b, 1 / Math.sqrt(scene.querySize)));
    return b.matmul(query, scene.memory, products);
  },
  /** qᵀW·m   (Luong et al. 2015) */
  general: (context, scene) => {
    const { querySize, memorySize } = scene;
    const kernel = project(context, scene.query, "kernel", [querySize, memorySize], null);
    return context.b.matmul(kernel, scene.memory, products);
  },
  /** vᵀ·tanh(W·q + U·m + b)   (Bahdanau et al. 2015, appendix A.1.2) */
  additive: (context, scene) => {
    const { b, fields, weight } = context;
    const { querySize, memorySize, steps, length, batch } = scene;
    const units = fields.units ?? querySize;
    const query = project(context, scene.query, "query_kernel", [querySize, units], "bias");
    const memory = project(context, scene.memory, "memory_kernel", [memorySize, units], null);
    const sum = b.add(
      b.reshape(query, { shape: [batch, steps, 1, units] }),
      b.reshape(memory, { shape: [batch, 1, length, units] }),
    );
    const init = initOf(fields.kernel_initializer, units, 1);
    const { l1, l2 } = fields;
    const score = weight("score_kernel", [units, 1], init, { decay: true, l1, l2 });
    return b.reshape(b.matmul(b.tanh(sum), score, plain), { shape: [batch, steps, length] });
  },
} as const satisfies Record<string, Score>;

export type SingleKind = keyof typeof scores;
export const singleKinds = Object.keys(scores) as readonly SingleKind[];

/** The weighted mean of the memory, `[n, T, memorySize]`. */
export function attendOnce(kind: SingleKind, context: AttentionContext, scene: Scene): Attended {
  const { b } = context;
  const weights = weigh(b, scores[kind](context, scene), scene.seen);
  const value = b.matmul(scene.drop(weights), scene.memory, plain);
  return { value: blank(b, value, scene.seen), weights: blank(b, weights, scene.seen) };
}
