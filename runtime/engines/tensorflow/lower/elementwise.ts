/** @file Elementwise ops. */
import type { Ops } from "../../../ops.js";
import type { ElementwiseOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

export function elementwiseOps(p: Primitives): Pick<Ops<Handle>, ElementwiseOp> {
  const unary = (op: string) => (x: Handle) => p.unary(op, x);
  /** Some kernels have no u8: bytes are computed with as wider integers. */
  const narrow = (x: Handle): Handle => (x.dtype === "u8" ? p.cast(x, "i32") : x);
  const arithmetic = (f: (x: Handle, y: Handle) => Handle) => (x: Handle, y: Handle) =>
    p.cast(f(narrow(x), narrow(y)), x.dtype);
  const comparison = (op: string) => (x: Handle, y: Handle) => p.compare(op, narrow(x), narrow(y));
  const equal = (x: Handle, y: Handle): Handle =>
    p.elementwise([x, y], (ys, shape) =>
      p.typed("Equal", ys, shape, { incompatible_shape_error: { bool: true } }, "bool"),
    );

  return {
    neg: unary("Neg"),
    exp: unary("Exp"),
    log: unary("Log"),
    sqrt: unary("Sqrt"),
    rsqrt: unary("Rsqrt"),
    square: unary("Square"),
    reciprocal: unary("Reciprocal"),
    abs: unary("Abs"),
    sign: unary("Sign"),
    floor: (x) => (x.dtype === "f32" ? p.unary("Floor", x) : x),
    sin: unary("Sin"),
    cos: unary("Cos"),
    erf: unary("Erf"),
    relu: unary("Relu"),
    sigmoid: unary("Sigmoid"),
    tanh: unary("Tanh"),
    softplus: unary("Softplus"),
    logicalNot: (x) => p.logical("LogicalNot", x),
    reluGrad: (dy, y) =>
      p.elementwise([dy, y], ([d, r], shape) => {
        // The kernel does not broadcast.
        const full = (t: Handle): Handle => p.broadcastTo(t, shape);
        return p.typed("ReluGrad", [full(d), full(r as Handle)], shape);
      }),
    cast: (x, { dtype }) => p.cast(x, dtype),
    stopGradient: (x) => x,
    add: arithmetic(p.add),
    sub: arithmetic(p.sub),
    mul: arithmetic(p.mul),
    div: arithmetic(p.div),
    pow: (x, y) => p.binary("Pow", x, y),
    maximum: arithmetic((x, y) => p.binary("Maximum", x, y)),
    minimum: arithmetic((x, y) => p.binary("Minimum", x, y)),
    equal,
    less: comparison("Less"),
    lessEqual: comparison("LessEqual"),
    greater: comparison("Greater"),
    greaterEqual: comparison("GreaterEqual"),
    logicalAnd: (x, y) => p.logical("LogicalAnd", x, y),
    logicalOr: (x, y) => p.logical("LogicalOr", x, y),
    select: p.select,
  };
}
