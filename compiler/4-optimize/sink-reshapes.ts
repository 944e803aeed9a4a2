/**
 * @file Moves reshapes behind the ops that do not mind them, where they meet and cancel. This brings
 * bias and activation next to a convolution that works on a view of its input (sequences are images
 * of height 1), and lets such images stay channels-first from layer to layer.
 */
import type { OpKind } from "@dlc/runtime";
import { sameShape } from "../ir/shape.js";
import { type Shape, shapeOf, type Value } from "../ir/types.js";
import { definePass, type Match, rule } from "./define-pass.js";
import { axesOf, elementwiseOps, made, reshaped } from "./match.js";

const sourceOf = (value: Value): Value | null => made(value, "reshape")?.inputs[0] ?? null;

/** Does an operand that broadcasts against `from` do so against `to` in the same way? */
function broadcastsAlike(operand: Shape, from: Shape, to: Shape): boolean {
  const used =
    operand.length -
    Math.max(
      0,
      operand.findIndex((dim) => dim !== 1),
    );
  if (operand.every((dim) => dim === 1)) return operand.length <= to.length;
  return operand.length <= to.length && sameShape(from.slice(-used), to.slice(-used));
}

function sinkBelowElementwise({ b, node }: Match): Value | null {
  const shape = shapeOf({ node, output: 0 });
  let inner: Shape | null = null;
  const inputs: Value[] = [];
  for (const input of node.inputs) {
    if (!sameShape(shapeOf(input), shape)) {
      inputs.push(input);
      continue;
    }
    const source = sourceOf(input);
    if (source === null || (inner !== null && !sameShape(inner, shapeOf(source)))) return null;
    inner = shapeOf(source);
    inputs.push(source);
  }
  const target = inner;
  if (target === null) return null;
  const others = node.inputs.filter((input) => !sameShape(shapeOf(input), shape));
  if (!others.every((input) => broadcastsAlike(shapeOf(input), shape, target))) return null;
  const [value] = b.apply(node.kind as OpKind, inputs, node.attrs);
  return value === undefined ? null : b.reshape(value, { shape });
}

/** A norm over the last axis does not care how the other axes are arranged. */
function sinkBelowNorm({ b, node }: Match): readonly Value[] | null {
  const shape = shapeOf({ node, output: 0 });
  if (node.attrs.axis !== shape.length - 1) return null;
  const images = node.inputs.filter((input) => sameShape(shapeOf(input), shape));
  const sources = images.map(sourceOf);
  const [first] = sources;
  const inner = first && shapeOf(first);
  if (!inner || inner.at(-1) !== shape.at(-1)) return null;
  if (!sources.every((source) => source !== null && sameShape(shapeOf(source), inner))) return null;
  const inputs = node.inputs.map((input) => sources[images.indexOf(input)] ?? input);
  const attrs = { ...node.attrs, axis: inner.length - 1 };
  const [y, ...statistics] = b.apply(node.kind as "batchNormTrain", inputs, attrs);
  return y === undefined ? null : [b.reshape(y, { shape }), ...statistics];
}

/** For each axis of `to`, the axis of `from` it is, if they differ by axes of size 1 only. */
function matchAxes(from: Shape, to: Shape): readonly (number | null)[] | null {
  const real = from.flatMap((dim, axis) => (dim === 1 ? [] : [axis]));
  let next = 0;
  const axes = to.map((dim) => (dim === 1 ? null : (real[next++] ?? -1)));
  const fits = next === real.length && axes.every((a, i) => a === null || from[a] === to[i]);
  return fits ? axes : null;
}

export const sinkReshapes = definePass({
  name: "sink-reshapes",
  why: "A reshape between a convolution and its bias or activation keeps them from being fused.",
  rules: [
    rule("reshape after computing, not before", elementwiseOps, {
      rewrite: (match) => sinkBelowElementwise(match as unknown as Match),
      before:
        "(x: f32[n,1,8,3], c: f32[3]) a = reshape x shape=[n,8,3]; b = add a c; d = relu b; return d",
      after:
        "(x: f32[n,1,8,3], c: f32[3]) a = add x c; b = relu a; d = reshape b shape=[n,8,3]; return d",
    }),
    rule("reduce what was reshaped", ["sum", "mean", "max", "min"], {
      rewrite: ({ b, node, inputs: [x], attrs }) => {
        const source = sourceOf(x);
        const axes = source && matchAxes(shapeOf(source), shapeOf(x));
        if (source === null || axes === null) return null;
        // Axes of size 1 are reduced along: they would only be in the way of other layouts.
        const kept = axes.filter((_, axis) => !attrs.axes.includes(axis));
        const inner = axesOf(shapeOf(source)).filter((axis) => !kept.includes(axis));
        const shape = shapeOf({ node, output: 0 });
        if (inner.length === 0) return reshaped(b, source, shape);
        const [value] = b.apply(node.kind as "sum", [source], { axes: inner, keepDims: false });
        return value === undefined ? null : reshaped(b, value, shape);
      },
      before: "(x: f32[n,1,8,3]) a = reshape x shape=[n,8,3]; b = sum a axes=[0,1]; return b",
      after: "(x: f32[n,1,8,3]) a = sum x axes=[0,1,2]; return a",
    }),
    rule("normalise before reshaping", ["batchNorm", "batchNormTrain", "batchNormTrainGrad"], {
      rewrite: (match) => sinkBelowNorm(match as unknown as Match),
      before:
        "(x: f32[n,1,8,3], c: f32[3]) a = reshape x shape=[n,8,3];" +
        "y, m, v = batchNormTrain a c c axis=2 epsilon=0.1; return y",
      after:
        "(x: f32[n,1,8,3], c: f32[3]) y, m, v = batchNormTrain x c c axis=3 epsilon=0.1;" +
        "z = reshape y shape=[n,8,3]; return z",
    }),
  ],
});
