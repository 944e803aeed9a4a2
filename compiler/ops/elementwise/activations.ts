/**
 * @file Activations. The gradients of relu, sigmoid and tanh use the output alone, so that these
 * can be fused into the op before them.
 */
import { defineUnary } from "../shared/elementwise.js";
import { allFloats } from "../shared/expect.js";
import { number } from "../shared/gradients.js";

export const relu = defineUnary({
  kind: "relu",
  summary: "max(x, 0) (Nair & Hinton 2010).",
  dtypes: allFloats,
  f: (v) => Math.max(v, 0),
  gradient: ({ b, grad, outputs: [y] }) => b.reluGrad(grad, y),
  expand: (b, x) => b.maximum(x, number(b, 0)),
  sample: { avoid: [0] },
});

export const sigmoid = defineUnary({
  kind: "sigmoid",
  summary: "1 / (1 + e^−x).",
  f: (v) => 1 / (1 + Math.exp(-v)),
  gradient: ({ b, grad, outputs: [y] }) => b.mul(grad, b.mul(y, b.sub(number(b, 1), y))),
  expand: (b, x) => b.div(number(b, 1), b.add(number(b, 1), b.exp(b.neg(x)))),
});

export const tanh = defineUnary({
  kind: "tanh",
  summary: "Hyperbolic tangent.",
  f: Math.tanh,
  gradient: ({ b, grad, outputs: [y] }) => b.mul(grad, b.sub(number(b, 1), b.square(y))),
});

// log(1 + e^x) = max(x, 0) + log(1 + e^−|x|), where the exponential cannot overflow.
export const softplus = defineUnary({
  kind: "softplus",
  summary: "log(1 + e^x), without overflow.",
  f: (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))),
  gradient: ({ b, grad, inputs: [x] }) => b.mul(grad, b.sigmoid(x)),
  expand: (b, x) => b.add(b.relu(x), b.log(b.add(number(b, 1), b.exp(b.neg(b.abs(x)))))),
});
