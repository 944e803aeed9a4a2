/** @file Drops ops that change nothing, such as what dropout 0 and linear activations leave behind. */
import { shapeOf } from "../ir/types.js";
import { definePass, rule } from "./define-pass.js";
import { hasTypeOf } from "./match.js";

/** Ops that can only select, move or convert: with the same type they are the identity. */
const movement = ["reshape", "broadcastTo", "cast", "slice", "pad", "resizeNearest"] as const;

export const removeIdentities = definePass({
  name: "remove-identities",
  why: "Generic lowering and gradients leave ops behind that do nothing for these shapes.",
  rules: [
    rule("movement that keeps the type is nothing", movement, {
      rewrite: ({ node, inputs: [x] }) => (hasTypeOf(x, { node, output: 0 }) ? x : null),
      before: "(x: f32[n,4]) a = reshape x shape=[n,4]; b = cast a dtype=f32; return b",
      after: "(x: f32[n,4]) return x",
    }),
    rule("a transpose that keeps the axes is nothing", "transpose", {
      rewrite: ({ inputs: [x], attrs: { perm } }) =>
        perm.every((axis, i) => axis === i) ? x : null,
      before: "(x: f32[2,2]) a = transpose x perm=[0,1]; return a",
      after: "(x: f32[2,2]) return x",
    }),
    rule("stopping the gradient is nothing once gradients are made", "stopGradient", {
      rewrite: ({ inputs: [x] }) => x,
      before: "(x: f32[n]) a = stopGradient x; return a",
      after: "(x: f32[n]) return x",
    }),
    rule("reducing axes of size 1 is a reshape", ["sum", "mean", "max", "min"], {
      rewrite: ({ b, node, inputs: [x], attrs: { axes } }) =>
        axes.every((axis) => shapeOf(x)[axis] === 1)
          ? b.reshape(x, { shape: shapeOf({ node, output: 0 }) })
          : null,
      before: "(x: f32[n,1,3]) a = sum x axes=[1]; return a",
      after: "(x: f32[n,1,3]) a = reshape x shape=[n,3]; return a",
    }),
    rule("joining one tensor is nothing", "concat", {
      rewrite: ({ node, inputs: [x] }) => (node.inputs.length === 1 ? x : null),
      before: "(x: f32[n,3]) a = concat x axis=1; return a",
      after: "(x: f32[n,3]) return x",
    }),
    rule("reversing axes of size 1 is nothing", "reverse", {
      rewrite: ({ inputs: [x], attrs: { axes } }) =>
        axes.every((axis) => shapeOf(x)[axis] === 1) ? x : null,
      before: "(x: f32[n,1,3]) a = reverse x axes=[1]; return a",
      after: "(x: f32[n,1,3]) return x",
    }),
    rule("pooling single pixels is nothing", ["maxPool2d", "avgPool2d"], {
      rewrite: ({ node, inputs: [x], attrs: { kernel, pads } }) =>
        [...kernel].every((size) => size === 1) &&
        [...pads].every((size) => size === 0) &&
        hasTypeOf(x, { node, output: 0 })
          ? x
          : null,
      before: "(x: f32[n,4,4,2]) a = maxPool2d x kernel=[1,1] strides=[1,1]; return a",
      after: "(x: f32[n,4,4,2]) return x",
    }),
  ],
});
