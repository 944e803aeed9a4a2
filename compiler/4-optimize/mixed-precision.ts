/**
 * @file Mixed precision (Micikevicius et al. 2018; for bfloat16 Kalamkar et al. 2019): convolutions, matrix
 * products and their gradients of a training program are computed in halves; everything else, above all
 * the weights, their updates, sums, norms and losses, stays f32.
 */
import { type HalfType, heavyOps, isHalf, type OpKind, type PoolOptions } from "@dlc/runtime";
import type { GraphBuilder } from "../ir/builder.js";
import { nodesOf, nodesWithin } from "../ir/traverse.js";
import { type Graph, typeOf, type Value } from "../ir/types.js";
import { definePass, type Match, rule } from "./define-pass.js";
import { made } from "./match.js";
import { rebuild } from "./rebuild.js";

const isHeavy: ReadonlySet<string> = new Set(heavyOps);

/** Is there anything that mixed precision would compute in halves? */
export const hasHeavyOps = (graph: Graph): boolean =>
  nodesWithin(graph).some(({ kind }) => isHeavy.has(kind));

/** `value` as a half; a value that was one before needs no rounding. */
const narrowed = (b: GraphBuilder, value: Value, dtype: HalfType): Value =>
  halfBehind(value, dtype) ?? b.cast(value, { dtype });

/** The half that a value is nothing but the wider form of. */
function halfBehind(value: Value, dtype?: HalfType): Value | null {
  const source = made(value, "cast")?.inputs[0];
  if (source === undefined || typeOf(value).dtype !== "f32") return null;
  const type = typeOf(source).dtype;
  return isHalf(type) && type === (dtype ?? type) ? source : null;
}

export const mixedPrecision = definePass({
  name: "mixed-precision",
  why: "Hardware computes products of halves several times as fast, and halves take half the memory.",
  run(graph, { half = null }) {
    let count = 0;
    if (half === null || !nodesOf(graph).some(({ kind }) => isHeavy.has(kind))) {
      return { graph, counts: {} };
    }
    const result = rebuild(graph, ({ b, node, inputs }) => {
      const [first] = inputs;
      if (!isHeavy.has(node.kind) || first === undefined || isHalf(typeOf(first).dtype))
        return null;
      count++;
      const halves = inputs.map((value) => narrowed(b, value, half));
      return b
        .apply(node.kind as OpKind, halves, node.attrs, node.optional)
        .map((value) => b.cast(value, { dtype: "f32" }));
    });
    return { graph: result, counts: { "computed in halves": count } };
  },
});

/** The same op on the halves behind its operands, widened afterwards: nothing is rounded, so nothing changes. */
function widenLater({ b, node }: Match): Value | null {
  const halves = node.inputs.map((value) => halfBehind(value));
  const [first] = halves;
  if (first === null || first === undefined) return null;
  const { dtype } = typeOf(first);
  const same = halves.flatMap((half) => (half && typeOf(half).dtype === dtype ? [half] : []));
  if (same.length < node.inputs.length) return null;
  const [value] = b.apply(node.kind as OpKind, same, node.attrs, node.optional);
  return value === undefined ? null : b.cast(value, { dtype: "f32" });
}

/** Does every element of an unpooled image get at most one gradient, so that nothing is added up? */
const isApart = ({ kernel, strides }: PoolOptions): boolean =>
  kernel[0] <= strides[0] && kernel[1] <= strides[1];

/** The half behind each operand of an op that only hands on the elements of one, which is `at`. */
const choosers: Partial<Record<OpKind, { readonly at: number }>> = {
  reluGrad: { at: 0 },
  maxPool2dGrad: { at: 2 },
};

/** A gradient that is masked or unpooled and then narrowed: narrowed first, where nothing else reads it wide. */
function narrowEarlier({ b, inputs: [x], attrs: { dtype }, uses }: Match<"cast">): Value | null {
  const { node } = x;
  const chooser = choosers[node.kind as OpKind];
  if (chooser === undefined || !isHalf(dtype) || uses(x) !== 1) return null;
  if (node.kind === "maxPool2dGrad" && !isApart(node.attrs as unknown as PoolOptions)) return null;
  const halves = node.inputs.flatMap((value, i) =>
    i === chooser.at ? [narrowed(b, value, dtype)] : (halfBehind(value, dtype) ?? []),
  );
  if (halves.length < node.inputs.length) return null;
  return b.apply(node.kind as OpKind, halves, node.attrs)[0] ?? null;
}

export const sinkCasts = definePass({
  name: "sink-casts",
  why: "What only moves or clears elements is as exact in halves: chains of layers stay narrow.",
  rules: [
    rule("widened and narrowed again is nothing", "cast", {
      rewrite: ({ inputs: [x], attrs: { dtype } }) => (isHalf(dtype) ? halfBehind(x, dtype) : null),
      before:
        "(x: f32[n]) a = cast x dtype=f16; b = cast a dtype=f32; c = cast b dtype=f16;" +
        "d = relu c; e = cast d dtype=f32; return e",
      after: "(x: f32[n]) a = cast x dtype=f16; d = relu a; e = cast d dtype=f32; return e",
    }),
    rule(
      "widen after moving or clearing elements, not before",
      ["reshape", "transpose", "slice", "concat", "relu", "reluGrad", "maxPool2d", "resizeNearest"],
      {
        rewrite: (match) => widenLater(match as unknown as Match),
        before:
          "(x: f32[n,2]) a = cast x dtype=f16; b = cast a dtype=f32; c = relu b; d = exp c; return d",
        after:
          "(x: f32[n,2]) a = cast x dtype=f16; c = relu a; b = cast c dtype=f32; d = exp b; return d",
      },
    ),
    // Zeros are halves, too.
    rule("widen after padding with zeros, not before", "pad", {
      rewrite: (match) => (match.attrs.value === 0 ? widenLater(match as unknown as Match) : null),
      before:
        "(x: f32[n,2]) a = cast x dtype=bf16; b = cast a dtype=f32;" +
        "c = pad b before=[0,1] after=[0,0] value=0; return c",
      after:
        "(x: f32[n,2]) a = cast x dtype=bf16; c = pad a before=[0,1] after=[0,0] value=0;" +
        "b = cast c dtype=f32; return b",
    }),
    // Where windows overlap, several gradients may meet in one element: their sum is rounded once more.
    rule("widen after unpooling windows side by side, not before", "maxPool2dGrad", {
      rewrite: (match) => {
        return isApart(match.attrs) ? widenLater(match as unknown as Match) : null;
      },
      before:
        "(x: f32[n,4,4,2], y: f32[n,2,2,2], dy: f32[n,2,2,2]) a = cast x dtype=f16; b = cast a dtype=f32;" +
        "c = cast y dtype=f16; d = cast c dtype=f32; e = cast dy dtype=f16; f = cast e dtype=f32;" +
        "g = maxPool2dGrad b d f kernel=[2,2] strides=[2,2]; return g",
      after:
        "(x: f32[n,4,4,2], y: f32[n,2,2,2], dy: f32[n,2,2,2]) a = cast x dtype=f16;" +
        "c = cast y dtype=f16; e = cast dy dtype=f16;" +
        "g = maxPool2dGrad a c e kernel=[2,2] strides=[2,2]; h = cast g dtype=f32; return h",
    }),
    rule("narrow a gradient before it is masked or unpooled, not afterwards", "cast", {
      rewrite: narrowEarlier,
      before:
        "(y: f32[n,3], dy: f32[n,3]) a = cast y dtype=f16; b = cast a dtype=f32; c = exp dy;" +
        "d = reluGrad c b; e = cast d dtype=f16; f = cast e dtype=f32; return f",
      after:
        "(y: f32[n,3], dy: f32[n,3]) a = cast y dtype=f16; c = exp dy; d = cast c dtype=f16;" +
        "e = reluGrad d a; f = cast e dtype=f32; return f",
    }),
  ],
});
