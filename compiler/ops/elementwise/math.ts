/** @file Functions of one variable. */

import { defineUnary } from "../shared/elementwise.js";
import { erfOf } from "../shared/erf.js";
import { numbers } from "../shared/expect.js";
import { number, scale } from "../shared/gradients.js";

const positive = { range: [0.2, 3] } as const;

export const neg = defineUnary({
  kind: "neg",
  summary: "−x.",
  dtypes: numbers,
  f: (v) => 0 - v,
  gradient: ({ b, grad }) => b.neg(grad),
});

export const exp = defineUnary({
  kind: "exp",
  summary: "e to the power x.",
  f: Math.exp,
  gradient: ({ b, grad, outputs: [y] }) => b.mul(grad, y),
});

export const log = defineUnary({
  kind: "log",
  summary: "Natural logarithm.",
  f: Math.log,
  gradient: ({ b, grad, inputs: [x] }) => b.div(grad, x),
  sample: positive,
});

export const sqrt = defineUnary({
  kind: "sqrt",
  summary: "Square root.",
  f: Math.sqrt,
  gradient: ({ b, grad, outputs: [y] }) => b.div(scale(b, grad, 0.5), y),
  sample: positive,
});

export const rsqrt = defineUnary({
  kind: "rsqrt",
  summary: "1 / √x.",
  f: (v) => 1 / Math.sqrt(v),
  gradient: ({ b, grad, outputs: [y] }) => scale(b, b.mul(grad, b.mul(y, b.square(y))), -0.5),
  expand: (b, x) => b.div(number(b, 1), b.sqrt(x)),
  sample: positive,
});

export const square = defineUnary({
  kind: "square",
  summary: "x².",
  f: (v) => v * v,
  gradient: ({ b, grad, inputs: [x] }) => b.mul(grad, scale(b, x, 2)),
  expand: (b, x) => b.mul(x, x),
});

export const reciprocal = defineUnary({
  kind: "reciprocal",
  summary: "1 / x.",
  f: (v) => 1 / v,
  gradient: ({ b, grad, outputs: [y] }) => b.neg(b.mul(grad, b.square(y))),
  expand: (b, x) => b.div(number(b, 1), x),
  sample: positive,
});

export const abs = defineUnary({
  kind: "abs",
  summary: "|x|.",
  dtypes: numbers,
  f: Math.abs,
  gradient: ({ b, grad, inputs: [x] }) => b.mul(grad, b.sign(x)),
  sample: { avoid: [0] },
});

export const sign = defineUnary({
  kind: "sign",
  summary: "−1, 0 or 1.",
  f: Math.sign,
  gradient: { none: "the sign is constant between its jumps", zero: true },
  expand: (b, x) => {
    const zero = number(b, 0);
    return b.sub(
      b.cast(b.greater(x, zero), { dtype: "f32" }),
      b.cast(b.less(x, zero), { dtype: "f32" }),
    );
  },
  sample: { avoid: [0] },
});

export const floor = defineUnary({
  kind: "floor",
  summary: "The largest whole number that is not above x.",
  f: Math.floor,
  gradient: { none: "rounding is constant between its jumps", zero: true },
  sample: { avoid: [-2, -1, 0, 1, 2] },
});

export const sin = defineUnary({
  kind: "sin",
  summary: "Sine of an angle in radians.",
  f: Math.sin,
  gradient: ({ b, grad, inputs: [x] }) => b.mul(grad, b.cos(x)),
});

export const cos = defineUnary({
  kind: "cos",
  summary: "Cosine of an angle in radians.",
  f: Math.cos,
  gradient: ({ b, grad, inputs: [x] }) => b.neg(b.mul(grad, b.sin(x))),
});

// d erf(x)/dx = 2/√π · e^(−x²)
export const erf = defineUnary({
  kind: "erf",
  summary: "Gauss error function.",
  f: erfOf,
  gradient: ({ b, grad, inputs: [x] }) =>
    b.mul(grad, scale(b, b.exp(b.neg(b.square(x))), 2 / Math.sqrt(Math.PI))),
});
