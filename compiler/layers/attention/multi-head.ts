/** @file Multi-head attention (Vaswani et al. 2017, section 3.2.2). */
import type { Value } from "../../ir/types.js";
import { scalar } from "../shared.js";
import { rotated } from "./angles.js";
import {
  type Attended,
  type AttentionContext,
  columns,
  plain,
  project,
  type Scene,
} from "./scene.js";
import { blank, overHeads, weigh } from "./visible.js";

/** Numbers near `wanted` that divide `size`: the next smaller and the next larger one. */
function divisorsNear(size: number, wanted: number): readonly number[] {
  const divisors = Array.from({ length: size }, (_, i) => i + 1).filter((d) => size % d === 0);
  const below = divisors.filter((d) => d < wanted).at(-1);
  const above = divisors.find((d) => d > wanted);
  return [below, above].filter((d) => d !== undefined);
}

interface Sizes {
  readonly heads: number;
  /** Of queries and keys, and of values, all heads together. */
  readonly units: number;
  readonly values: number;
}

function sizesOf({ fields, reject }: AttentionContext, { querySize, isSelf }: Scene): Sizes {
  const { heads, rotary } = fields;
  const units = fields.units ?? querySize;
  const values = fields.value_size ?? units;
  const named = [
    [units, fields.units === null ? "the query's size" : "units"],
    [values, "value_size"],
  ] as const;
  for (const [size, name] of named) {
    if (size % heads === 0) continue;
    const near = divisorsNear(size, heads).join(" or ");
    reject(
      `splits ${name} of ${size} among ${heads} heads, which is not a whole number each: ${near} heads would do`,
      "heads",
    );
  }
  if (rotary && !isSelf) {
    reject(
      "turns queries and keys by their positions (rotary), but positions in the query and in the memory are not comparable: leave it out",
      "rotary",
    );
  }
  if (rotary && (units / heads) % 2 !== 0) {
    reject(
      `turns pairs of numbers (rotary), but each head has ${units / heads}: choose units so that it is even`,
      "rotary",
    );
  }
  return { heads, units, values };
}

/** Queries, keys and values: in self-attention by one product. */
function projections(
  context: AttentionContext,
  { query, memory, isSelf, querySize, memorySize }: Scene,
  { units, values }: Sizes,
): readonly [query: Value, key: Value, value: Value] {
  const [keyEnd, valueEnd] = [2 * units, 2 * units + values];
  if (isSelf) {
    const all = project(context, query, "kernel", [querySize, valueEnd], "bias", units);
    return [
      columns(context, all, 0, units),
      columns(context, all, units, keyEnd),
      columns(context, all, keyEnd, valueEnd),
    ];
  }
  const size = [memorySize, units + values] as const;
  const both = project(context, memory, "memory_kernel", size, "memory_bias", units);
  return [
    project(context, query, "query_kernel", [querySize, units], "query_bias"),
    columns(context, both, 0, units),
    columns(context, both, units, units + values),
  ];
}

/**
 * `[n, steps, querySize]`: what all heads see, joined and projected back to the query's size. Columns
 * of kernels: queries, keys, values; in each of them head after head.
 */
export function attendInHeads(context: AttentionContext, scene: Scene): Attended {
  const { b, fields } = context;
  const { batch, steps, length, querySize } = scene;
  const sizes = sizesOf(context, scene);
  const { heads, units, values } = sizes;
  /** [n, steps, size] → [n, heads, steps, size / heads] */
  const split = (x: Value, count: number, size: number): Value =>
    b.transpose(b.reshape(x, { shape: [batch, count, heads, size / heads] }), {
      perm: [0, 2, 1, 3],
    });
  const [query, key, value] = projections(context, scene, sizes);
  const scaled = b.mul(query, scalar(b, 1 / Math.sqrt(units / heads)));
  const turn = (x: Value): Value => (fields.rotary ? rotated(b, x) : x);
  const scores = b.matmul(turn(split(scaled, steps, units)), turn(split(key, length, units)), {
    ...plain,
    transposeB: true,
  });
  const seen = scene.seen === null ? null : overHeads(b, scene.seen);
  const weights = weigh(b, scores, seen);
  const found = b.matmul(scene.drop(weights), split(value, length, values), plain);
  const joined = b.reshape(b.transpose(found, { perm: [0, 2, 1, 3] }), {
    shape: [batch, steps, values],
  });
  const output = blank(b, joined, scene.seen);
  return {
    value: project(context, output, "output_kernel", [values, querySize], "output_bias"),
    weights: blank(b, weights, seen),
  };
}
