/** @file Lets convolutions and matrix products add their bias and apply their activation themselves. */
import { shapeOf, type Value } from "../ir/types.js";
import { definePass, type Match, rule } from "./define-pass.js";
import { made, withOrigin } from "./match.js";

/** The axis along which conv2d or matmul take their bias. */
function outputAxis(linear: Value): number {
  const conv = made(linear, "conv2d");
  if (conv) return conv.attrs.layout === "NHWC" ? 3 : 1;
  return shapeOf(linear).length - 1;
}

/** `bias` as a vector, if it holds one number per output and is the same everywhere else. */
function asBias(b: Match["b"], linear: Value, bias: Value): Value | null {
  const [full, shape] = [shapeOf(linear), shapeOf(bias)];
  const axis = outputAxis(linear) - (full.length - shape.length);
  const size = full[outputAxis(linear)];
  const fits =
    shape.length <= full.length && shape.every((dim, i) => dim === (i === axis ? size : 1));
  if (!fits || size === undefined) return null;
  if (axis < 0 && size !== 1) return null;
  return shape.length === 1 ? bias : b.reshape(bias, { shape: [size] });
}

/** A conv2d or matmul that nothing else reads and that does not yet apply an activation. */
function openLinear(value: Value, uses: Match["uses"]): { hasBias: boolean } | null {
  const linear = made(value, "conv2d") ?? made(value, "matmul");
  if (linear === null || linear.attrs.activation !== "none" || uses(value) !== 1) return null;
  return { hasBias: linear.optional.bias !== undefined };
}

function addBias({ b, inputs, uses }: Match): readonly Value[] | null {
  for (const [linear, addend] of [
    [inputs[0], inputs[1]],
    [inputs[1], inputs[0]],
  ] as const) {
    const open = openLinear(linear, uses);
    if (open === null || open.hasBias) continue;
    const bias = asBias(b, linear, addend);
    if (bias === null) continue;
    const { kind, attrs, inputs: operands } = linear.node;
    return withOrigin(b, linear.node.origin, () =>
      b.apply(kind as "conv2d", [...operands, bias], attrs, ["bias"]),
    );
  }
  return null;
}

export const fuseLinear = definePass({
  name: "fuse-linear",
  why: "A bias and an activation inside conv2d or matmul save two passes over the result.",
  rules: [
    rule("the bias goes into the linear op", "add", {
      rewrite: (match) => addBias(match as unknown as Match),
      before:
        "(x: f32[n,6,6,2], state w: f32[4,2,3,3], state c: f32[4])" +
        "a = conv2d x w; b = add a c; return b",
      after:
        "(x: f32[n,6,6,2], state w: f32[4,2,3,3], state c: f32[4]) b = conv2d x w bias=c; return b",
    }),
    rule("the activation goes into the linear op", ["relu", "sigmoid", "tanh"], {
      rewrite: ({ b, node, inputs: [linear], uses }) => {
        if (openLinear(linear, uses) === null) return null;
        const { kind, attrs, inputs, optional } = linear.node;
        const activated = { ...attrs, activation: node.kind };
        return withOrigin(b, linear.node.origin, () =>
          b.apply(kind as "conv2d", inputs, activated, optional),
        );
      },
      before:
        "(x: f32[n,6], state w: f32[6,4], state c: f32[4])" +
        "a = matmul x w bias=c; b = relu a; return b",
      after:
        "(x: f32[n,6], state w: f32[6,4], state c: f32[4])" +
        "a = matmul x w bias=c activation=relu; return a",
    }),
  ],
});
