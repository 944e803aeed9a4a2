/** @file Arithmetic of two operands. */
import type { OpSample } from "../define-op.js";
import { defineBinary } from "../shared/elementwise.js";
import { numbers } from "../shared/expect.js";
import { number } from "../shared/gradients.js";

type InputSample = OpSample["inputs"][number];

/** Equal shapes, stretched leading and inner axes, both operands stretched, a scalar. */
const broadcasts = (x: Partial<InputSample> = {}, y: Partial<InputSample> = {}): OpSample[] => [
  {
    inputs: [
      { shape: ["n", 3], ...x },
      { shape: ["n", 3], ...y },
    ],
  },
  {
    inputs: [
      { shape: ["n", 2, 3], ...x },
      { shape: [3], ...y },
    ],
  },
  {
    inputs: [
      { shape: [2, 1, 3], ...x },
      { shape: ["n", 1], ...y },
    ],
  },
  {
    inputs: [
      { shape: [], ...x },
      { shape: ["n", 2], ...y },
    ],
  },
];
const integers: OpSample = {
  inputs: [
    { shape: [4], dtype: "i32", values: [7, -3, 2147483647, 65537] },
    { shape: [4], dtype: "i32", values: [2, 5, 3, 65537] },
  ],
};

export const add = defineBinary({
  kind: "add",
  summary: "Sum, elementwise with broadcasting.",
  dtypes: numbers,
  f: (x, y) => x + y,
  integer: (x, y) => (x + y) | 0,
  gradient: ({ grad }) => [grad, grad],
  samples: [...broadcasts(), integers],
});

export const sub = defineBinary({
  kind: "sub",
  summary: "Difference, elementwise with broadcasting.",
  dtypes: numbers,
  f: (x, y) => x - y,
  integer: (x, y) => (x - y) | 0,
  gradient: ({ b, grad }) => [grad, b.neg(grad)],
  samples: [...broadcasts(), integers],
});

export const mul = defineBinary({
  kind: "mul",
  summary: "Product, elementwise with broadcasting.",
  dtypes: numbers,
  f: (x, y) => x * y,
  integer: Math.imul,
  gradient: ({ b, grad, inputs: [x, y] }) => [b.mul(grad, y), b.mul(grad, x)],
  samples: [...broadcasts(), integers],
});

// d(x/y)/dy = −x/y² = −(x/y)/y
export const div = defineBinary({
  kind: "div",
  summary: "Quotient, elementwise with broadcasting.",
  f: (x, y) => x / y,
  gradient: ({ b, grad, inputs: [, y], outputs: [q] }) => {
    const dx = b.div(grad, y);
    return [dx, b.neg(b.mul(dx, q))];
  },
  samples: broadcasts({}, { range: [0.5, 2] }),
});

// d(x^y)/dx = y·x^(y−1);  d(x^y)/dy = x^y·log x, taken as 0 where x ≤ 0 and log x does not exist.
export const pow = defineBinary({
  kind: "pow",
  summary: "x to the power y; x must be positive unless y is a whole number.",
  f: (x, y) => x ** y,
  gradient: ({ b, grad, inputs: [x, y], outputs: [power] }) => {
    const safe = b.select(b.greater(x, number(b, 0)), x, number(b, 1));
    return [
      b.mul(grad, b.mul(y, b.pow(x, b.sub(y, number(b, 1))))),
      b.mul(grad, b.mul(power, b.log(safe))),
    ];
  },
  samples: [
    ...broadcasts({ range: [0.3, 2] }),
    {
      inputs: [
        { shape: ["n", 3], avoid: [0] },
        { shape: [], values: [3], fixed: true },
      ],
    },
  ],
});

// Where both are equal the gradient goes to x alone.
export const maximum = defineBinary({
  kind: "maximum",
  summary: "The larger of two values, elementwise with broadcasting.",
  dtypes: numbers,
  f: Math.max,
  gradient: ({ b, grad, inputs: [x, y] }) => {
    const first = b.greaterEqual(x, y);
    const zero = number(b, 0);
    return [b.select(first, grad, zero), b.select(first, zero, grad)];
  },
  expand: (b, x, y) => b.select(b.greaterEqual(x, y), x, y),
  samples: [...broadcasts({ range: [-2, 0] }, { range: [0.05, 2] }), ...crossing(), integers],
});

export const minimum = defineBinary({
  kind: "minimum",
  summary: "The smaller of two values, elementwise with broadcasting.",
  dtypes: numbers,
  f: Math.min,
  gradient: ({ b, grad, inputs: [x, y] }) => {
    const first = b.lessEqual(x, y);
    const zero = number(b, 0);
    return [b.select(first, grad, zero), b.select(first, zero, grad)];
  },
  expand: (b, x, y) => b.select(b.lessEqual(x, y), x, y),
  samples: [...broadcasts({ range: [-2, 0] }, { range: [0.05, 2] }), ...crossing(), integers],
});

/** Either operand wins somewhere, none by less than 0.05. */
function crossing(): OpSample[] {
  return [
    {
      inputs: [
        { shape: ["n", 4], avoid: [0, 1] },
        { shape: [2, 1, 1], values: [0, 1] },
      ],
    },
  ];
}
