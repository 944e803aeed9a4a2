/**
 * @file Shorter arithmetic with the same result. Like every compiler of its kind it assumes finite
 * numbers: x·0 is 0.
 */
import { shapeOf, typeOf, type Value } from "../ir/types.js";
import { definePass, type Match, rule } from "./define-pass.js";
import { asScalar, fill, filledWith, hasTypeOf, isSingle, made, sameValue } from "./match.js";

const isFloat = (value: Value): boolean => typeOf(value).dtype === "f32";

/** `x` where the op would only repeat it: same type, other operand as wanted. */
const keep = ({ node }: Match, x: Value, other: Value, neutral: number): Value | null =>
  filledWith(other) === neutral && hasTypeOf(x, { node, output: 0 }) ? x : null;

/** A reduced value's axes, counted in the tensor before an earlier reduction without `keepDims`. */
function outerAxes(rank: number, first: readonly number[], second: readonly number[]): number[] {
  const left = Array.from({ length: rank }, (_, axis) => axis).filter((a) => !first.includes(a));
  return [...first, ...second.map((axis) => left[axis] as number)].sort((a, b) => a - b);
}

/** A tensor times one number, or null. */
function scaledTensor(value: Value): { readonly tensor: Value; readonly factor: Value } | null {
  const product = made(value, "mul");
  if (product === null || typeOf(value).dtype !== "f32") return null;
  for (const [tensor, factor] of [
    product.inputs,
    [product.inputs[1], product.inputs[0]],
  ] as const) {
    if (tensor && factor && isSingle(factor) && !isSingle(tensor) && hasTypeOf(tensor, value)) {
      return { tensor, factor };
    }
  }
  return null;
}

export const simplifyAlgebra = definePass({
  name: "simplify-algebra",
  why: "Lowering and gradient rules are written for the general case.",
  rules: [
    rule("constants stand second", ["add", "mul", "maximum", "minimum"], {
      rewrite: ({ b, node, inputs: [x, y] }) =>
        x.node.kind === "constant" && y.node.kind !== "constant"
          ? b.apply(node.kind as "add", [y, x], {})
          : null,
      before: "(x: f32[n]) c = constant dtype=f32 shape=[] value=2; a = mul c x; return a",
      after: "(x: f32[n]) c = constant dtype=f32 shape=[] value=2; a = mul x c; return a",
    }),
    rule("x + 0 is x", ["add", "sub"], {
      rewrite: (match) => keep(match, match.inputs[0], match.inputs[1], 0),
      before: "(x: f32[n]) c = constant dtype=f32 shape=[] value=0; a = add x c; return a",
      after: "(x: f32[n]) return x",
    }),
    rule("x · 1 is x", ["mul", "div", "pow"], {
      rewrite: (match) => keep(match, match.inputs[0], match.inputs[1], 1),
      before: "(x: f32[n]) c = constant dtype=f32 shape=[] value=1; a = mul x c; return a",
      after: "(x: f32[n]) return x",
    }),
    rule("x · 0 is 0", "mul", {
      rewrite: ({ b, node, inputs: [, y] }) =>
        filledWith(y) === 0 ? fill(b, typeOf({ node, output: 0 }), 0) : null,
      before: "(x: f32[n]) c = constant dtype=f32 shape=[] value=0; a = mul x c; return a",
      after: "() a = constant dtype=f32 shape=[n] value=0; return a",
    }),
    rule("x − x is 0", "sub", {
      rewrite: ({ b, inputs: [x, y] }) => (sameValue(x, y) ? fill(b, typeOf(x), 0) : null),
      before: "(x: f32[n]) a = sub x x; return a",
      after: "() a = constant dtype=f32 shape=[n] value=0; return a",
    }),
    rule("x · −1 is −x", "mul", {
      rewrite: ({ b, node, inputs: [x, y] }) =>
        filledWith(y) === -1 && hasTypeOf(x, { node, output: 0 }) ? b.neg(x) : null,
      before: "(x: f32[n]) c = constant dtype=f32 shape=[] value=-1; a = mul x c; return a",
      after: "(x: f32[n]) a = neg x; return a",
    }),
    rule("−(−x) is x", "neg", {
      rewrite: ({ inputs: [x] }) => made(x, "neg")?.inputs[0] ?? null,
      before: "(x: f32[n]) a = neg x; b = neg a; return b",
      after: "(x: f32[n]) return x",
    }),
    rule("−(x − y) is y − x", "neg", {
      rewrite: ({ b, inputs: [difference], uses }) => {
        const sub = uses(difference) === 1 ? made(difference, "sub") : null;
        return sub && b.sub(sub.inputs[1], sub.inputs[0]);
      },
      before: "(x: f32[n], y: f32[n]) a = sub x y; b = neg a; return b",
      after: "(x: f32[n], y: f32[n]) a = sub y x; return a",
    }),
    rule("x + (−y) is x − y", "add", {
      rewrite: ({ b, inputs: [x, y] }) => {
        const right = made(y, "neg");
        if (right) return b.sub(x, right.inputs[0]);
        const left = made(x, "neg");
        return left && b.sub(y, left.inputs[0]);
      },
      before: "(x: f32[n], y: f32[n]) a = neg y; b = add x a; return b",
      after: "(x: f32[n], y: f32[n]) a = sub x y; return a",
    }),
    rule("x − (−y) is x + y", "sub", {
      rewrite: ({ b, inputs: [x, y] }) => {
        const right = made(y, "neg");
        return right && b.add(x, right.inputs[0]);
      },
      before: "(x: f32[n], y: f32[n]) a = neg y; b = sub x a; return b",
      after: "(x: f32[n], y: f32[n]) a = add x y; return a",
    }),
    rule("two factors that are one number each are one factor", "mul", {
      rewrite: ({ b, node, uses }) => {
        const outer = scaledTensor({ node, output: 0 });
        const inner = outer && scaledTensor(outer.tensor);
        if (outer === null || inner === null) return null;
        const areConstant = [outer, inner].every(({ factor }) => factor.node.kind === "constant");
        if (!areConstant && uses(outer.tensor) !== 1) return null;
        return b.mul(inner.tensor, b.mul(asScalar(b, inner.factor), asScalar(b, outer.factor)));
      },
      before: "(x: f32[n], c: f32[], d: f32[]) a = mul x c; b = mul d a; return b",
      after: "(x: f32[n], c: f32[], d: f32[]) a = mul c d; b = mul x a; return b",
    }),
    rule("relu of relu is relu", "relu", {
      rewrite: ({ inputs: [x] }) => (made(x, "relu") ? x : null),
      before: "(x: f32[n]) a = relu x; b = relu a; return b",
      after: "(x: f32[n]) a = relu x; return a",
    }),
    rule("the larger of x and 0 is relu", "maximum", {
      rewrite: ({ b, node, inputs: [x, y] }) =>
        isFloat(x) && filledWith(y) === 0 && hasTypeOf(x, { node, output: 0 }) ? b.relu(x) : null,
      before: "(x: f32[n]) c = constant dtype=f32 shape=[] value=0; a = maximum x c; return a",
      after: "(x: f32[n]) a = relu x; return a",
    }),
    rule("1 / sqrt x is rsqrt x", "reciprocal", {
      rewrite: ({ b, inputs: [x] }) => {
        const root = made(x, "sqrt");
        return root && b.rsqrt(root.inputs[0]);
      },
      before: "(x: f32[n]) c = exp x; a = sqrt c; b = reciprocal a; return b",
      after: "(x: f32[n]) c = exp x; a = rsqrt c; return a",
    }),
    rule("log e^x is x", "log", {
      rewrite: ({ inputs: [x] }) => made(x, "exp")?.inputs[0] ?? null,
      before: "(x: f32[n]) a = exp x; b = log a; return b",
      after: "(x: f32[n]) return x",
    }),
    rule("a choice between equals is no choice", "select", {
      rewrite: ({ node, inputs: [, x, y] }) =>
        sameValue(x, y) && hasTypeOf(x, { node, output: 0 }) ? x : null,
      before: "(c: bool[n], x: f32[n]) a = select c x x; return a",
      after: "(x: f32[n]) return x",
    }),
    rule("a sum of sums is one sum", "sum", {
      rewrite: ({ b, inputs: [x], attrs, uses }) => {
        const inner = uses(x) === 1 ? made(x, "sum") : null;
        if (inner === null || inner.attrs.keepDims !== attrs.keepDims) return null;
        const rank = shapeOf(inner.inputs[0]).length;
        const axes = attrs.keepDims
          ? [...new Set([...inner.attrs.axes, ...attrs.axes])].sort((p, q) => p - q)
          : outerAxes(rank, inner.attrs.axes, attrs.axes);
        return b.sum(inner.inputs[0], { axes, keepDims: attrs.keepDims });
      },
      before: "(x: f32[n,2,3]) a = sum x axes=[1]; b = sum a axes=[1]; return b",
      after: "(x: f32[n,2,3]) a = sum x axes=[1,2]; return a",
    }),
    rule("a common factor is applied after the sum", ["sum", "mean"], {
      rewrite: ({ b, node, inputs: [x], attrs, uses }) => {
        const scaled = uses(x) === 1 ? made(x, "mul") : null;
        if (scaled === null || attrs.axes.length === 0) return null;
        const [value, factor] = scaled.inputs;
        if (!isSingle(factor) || !hasTypeOf(value, x) || isSingle(value)) return null;
        const [reduced] = b.apply(node.kind as "sum", [value], attrs);
        return reduced === undefined ? null : b.mul(reduced, asScalar(b, factor));
      },
      before: "(x: f32[n,3], c: f32[1]) a = mul x c; b = sum a axes=[0]; return b",
      after:
        "(x: f32[n,3], c: f32[1]) a = sum x axes=[0]; d = reshape c shape=[]; b = mul a d; return b",
    }),
  ],
});
