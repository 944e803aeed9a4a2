/** @file Removes data movement that undoes itself or that an op does anyway. */
import type { OpKind } from "@dlc/runtime";
import { broadcast, sameShape } from "../ir/shape.js";
import { type Shape, shapeOf, typeOf, type Value } from "../ir/types.js";
import { definePass, type Match, rule } from "./define-pass.js";
import {
  asScalar,
  broadcastingOps,
  elementwiseOps,
  fill,
  filledWith,
  isSingle,
  keepsOrder,
  made,
  permute,
  reshaped,
  unaryOps,
} from "./match.js";

const elementwise: ReadonlySet<string> = new Set(elementwiseOps);
const reductions: ReadonlySet<string> = new Set(["sum", "mean", "max", "min"]);

/** What a broadcasting op may read instead of an operand, if that does not change its result. */
function unbroadcast(b: Match["b"], value: Value): Value | null {
  const stretched = made(value, "broadcastTo");
  if (stretched) return stretched.inputs[0];
  const repeated = shapeOf(value).length > 0 ? filledWith(value) : null;
  if (repeated !== null) return fill(b, { ...typeOf(value), shape: [] }, repeated);
  const reshaped = made(value, "reshape")?.inputs[0];
  if (reshaped === undefined) return null;
  // A reshape that only adds leading axes of size 1.
  const [from, to] = [shapeOf(reshaped), shapeOf(value)];
  const added = to.length - from.length;
  const leads = added > 0 && to.slice(0, added).every((dim) => dim === 1);
  return leads && sameShape(to.slice(added), from) ? reshaped : null;
}

function dropBroadcasts({ b, node }: Match): readonly Value[] | null {
  const wanted = shapeOf({ node, output: 0 });
  let inputs = node.inputs;
  for (const [i, input] of node.inputs.entries()) {
    const simpler = unbroadcast(b, input);
    if (simpler === null) continue;
    const tried = inputs.with(i, simpler);
    const shape = tried.reduce<Shape | null>((s, v) => s && broadcast(s, shapeOf(v)), []);
    if (shape !== null && sameShape(shape, wanted)) inputs = tried;
  }
  return inputs === node.inputs ? null : b.apply(node.kind as OpKind, inputs, node.attrs);
}

/** An op on repeated numbers: computes the one number that its result repeats. */
function repeatLater({ b, node }: Match): Value | null {
  const sources = node.inputs.map((input) => made(input, "broadcastTo")?.inputs[0] ?? input);
  if (!sources.every(isSingle) || sources.every((source, i) => source === node.inputs[i]))
    return null;
  const [value] = b.apply(
    node.kind as OpKind,
    sources.map((source) => asScalar(b, source)),
    node.attrs,
  );
  return value === undefined ? null : b.broadcastTo(value, { shape: shapeOf({ node, output: 0 }) });
}

/** The tensor whose last two axes a transpose swaps, if that is all it does. */
function unswapped(value: Value): Value | null {
  const moved = made(value, "transpose");
  if (moved === null) return null;
  const { perm } = moved.attrs;
  const last = perm.length - 1;
  const swaps = perm.every((from, i) => from === (i < last - 1 ? i : i === last ? last - 1 : last));
  return swaps && last > 0 ? moved.inputs[0] : null;
}

export const cancelMovement = definePass({
  name: "cancel-movement",
  why: "Lowering, gradients and layouts move data locally; neighbours often cancel.",
  rules: [
    rule("a reshape of a reshape is one", "reshape", {
      rewrite: ({ b, inputs: [x], attrs }) => {
        const inner = made(x, "reshape");
        return inner && b.reshape(inner.inputs[0], attrs);
      },
      before: "(x: f32[n,4]) a = reshape x shape=[n,2,2]; b = reshape a shape=[n,1,4]; return b",
      after: "(x: f32[n,4]) a = reshape x shape=[n,1,4]; return a",
    }),
    rule("a transpose of a transpose is one", "transpose", {
      rewrite: ({ b, inputs: [x], attrs: { perm } }) => {
        const inner = made(x, "transpose");
        return inner && b.transpose(inner.inputs[0], { perm: permute(inner.attrs.perm, perm) });
      },
      before:
        "(x: f32[2,3,4]) a = transpose x perm=[2,0,1]; b = transpose a perm=[1,0,2]; return b",
      after: "(x: f32[2,3,4]) a = transpose x perm=[0,2,1]; return a",
    }),
    rule("a transpose that only moves axes of size 1 is a reshape", "transpose", {
      rewrite: ({ b, inputs: [x], attrs: { perm } }) =>
        keepsOrder(shapeOf(x), perm) ? b.reshape(x, { shape: permute(shapeOf(x), perm) }) : null,
      before: "(x: f32[n,28,28,1]) a = transpose x perm=[0,3,1,2]; return a",
      after: "(x: f32[n,28,28,1]) a = reshape x shape=[n,1,28,28]; return a",
    }),
    rule("a reduction drops its axes by itself", "reshape", {
      rewrite: ({ b, inputs: [x], attrs: { shape }, uses }) => {
        const { kind } = x.node;
        const reduced = reductions.has(kind) && uses(x) === 1 ? made(x, kind as "sum") : null;
        if (reduced === null || !reduced.attrs.keepDims) return null;
        const { axes } = reduced.attrs;
        const left = shapeOf(x).filter((_, axis) => !axes.includes(axis));
        if (!sameShape(left, shape)) return null;
        return b.apply(kind as "sum", [reduced.inputs[0]], { axes, keepDims: false });
      },
      before: "(x: f32[n,3]) a = sum x axes=[0] keepDims=true; b = reshape a shape=[3]; return b",
      after: "(x: f32[n,3]) a = sum x axes=[0]; return a",
    }),
    rule("elementwise ops broadcast by themselves", broadcastingOps, {
      rewrite: (match) => dropBroadcasts(match as unknown as Match),
      before: "(x: f32[n,3], y: f32[]) a = broadcastTo y shape=[n,3]; b = mul x a; return b",
      after: "(x: f32[n,3], y: f32[]) a = mul x y; return a",
    }),
    rule("compute one number, then repeat it", broadcastingOps, {
      rewrite: (match) => repeatLater(match as unknown as Match),
      before: "(x: f32[], y: f32[]) a = broadcastTo x shape=[n,3]; b = mul a y; return b",
      after: "(x: f32[], y: f32[]) a = mul x y; b = broadcastTo a shape=[n,3]; return b",
    }),
    rule("one number is computed as a scalar", "reshape", {
      rewrite: ({ b, inputs: [x], attrs, uses }) => {
        const isOp = elementwise.has(x.node.kind) && isSingle(x) && shapeOf(x).length > 0;
        if (!isOp || uses(x) !== 1) return null;
        const { kind, inputs, attrs: options } = x.node;
        const scalars = inputs.map((input) => asScalar(b, input));
        const [value] = b.apply(kind as OpKind, scalars, options);
        return value === undefined ? null : reshaped(b, value, attrs.shape);
      },
      before: "(x: f32[1], y: f32[]) a = div x y; b = reshape a shape=[]; return b",
      after: "(x: f32[1], y: f32[]) a = reshape x shape=[]; b = div a y; return b",
    }),
    rule("a broadcast of a broadcast is one", "broadcastTo", {
      rewrite: ({ b, inputs: [x], attrs }) => {
        const inner = made(x, "broadcastTo");
        return inner && b.broadcastTo(inner.inputs[0], attrs);
      },
      before: "(x: f32[]) a = broadcastTo x shape=[3]; b = broadcastTo a shape=[n,3]; return b",
      after: "(x: f32[]) a = broadcastTo x shape=[n,3]; return a",
    }),
    rule("one repeated number has any shape", "reshape", {
      rewrite: ({ b, inputs: [x], attrs }) => {
        const source = made(x, "broadcastTo")?.inputs[0];
        return source !== undefined && isSingle(source)
          ? b.broadcastTo(b.reshape(source, { shape: [] }), attrs)
          : null;
      },
      before: "(x: f32[]) a = broadcastTo x shape=[n,4]; b = reshape a shape=[n,2,2]; return b",
      after: "(x: f32[]) a = reshape x shape=[]; b = broadcastTo a shape=[n,2,2]; return b",
    }),
    rule("repeat after computing, not before", unaryOps, {
      rewrite: ({ b, node, inputs: [x] }) => {
        const stretched = made(x, "broadcastTo");
        if (stretched === null) return null;
        const [value] = b.apply(node.kind as OpKind, [stretched.inputs[0]], node.attrs);
        return value === undefined ? null : b.broadcastTo(value, stretched.attrs);
      },
      before: "(x: f32[3]) a = broadcastTo x shape=[n,3]; b = exp a; return b",
      after: "(x: f32[3]) a = exp x; b = broadcastTo a shape=[n,3]; return b",
    }),
    rule("matmul transposes its operands by itself", "matmul", {
      rewrite: ({ b, inputs: [x, y], node, attrs }) => {
        const [left, right] = [unswapped(x), unswapped(y)];
        if (left === null && right === null) return null;
        const inputs = [left ?? x, right ?? y, ...node.inputs.slice(2)];
        const { transposeA, transposeB } = attrs;
        const flags = {
          transposeA: left === null ? transposeA : !transposeA,
          transposeB: right === null ? transposeB : !transposeB,
        };
        return b.apply("matmul", inputs, { ...attrs, ...flags }, node.optional);
      },
      before: "(x: f32[n,3], y: f32[4,3]) a = transpose y perm=[1,0]; b = matmul x a; return b",
      after: "(x: f32[n,3], y: f32[4,3]) a = matmul x y transposeB=true; return a",
    }),
  ],
});
