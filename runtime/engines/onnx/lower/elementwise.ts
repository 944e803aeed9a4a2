/** @file Elementwise ops. */
import type { Ops } from "../../../ops.js";
import type { ElementwiseOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { GraphDType } from "../model-proto.js";
import type { Primitives } from "../primitives.js";
import { onTwins } from "./blocked.js";
import { sine } from "./sine.js";

/** -1, 0 or 1. */
export function signOf(p: Primitives, x: Handle): Handle {
  if (p.target.has.sign) return p.unary("Sign", x);
  const is = (op: string) => p.cast(p.binary(op, x, p.scalar(0, x.dtype), "bool"), x.dtype);
  return p.sub(is("Greater"), is("Less"));
}

export function elementwiseOps(p: Primitives): Pick<Ops<Handle>, ElementwiseOp> {
  const unary = (op: string) => (x: Handle) => p.unary(op, x);
  /** The CPU provider computes with and compares bytes only as wider integers. */
  const narrow = (x: Handle): Handle =>
    x.dtype === "u8" || x.dtype === "bool" ? p.cast(x, "i32") : x;
  const arithmetic = (op: string) => (x: Handle, y: Handle) =>
    p.cast(p.binary(op, narrow(x), narrow(y)), x.dtype);
  const comparison = (op: string) => (x: Handle, y: Handle) =>
    p.binary(op, narrow(x), narrow(y), "bool");
  /** Measured: Mul by a Cast mask beats Where and Sign. */
  const masked = (dy: Handle, y: Handle): Handle =>
    p.mul(dy, p.cast(p.binary("Greater", y, p.scalar(0, y.dtype), "bool"), dy.dtype));
  /** Where has no u32 and no bool kernel on the CPU. */
  const selectable: Partial<Record<GraphDType, GraphDType>> = p.target.has.bytes
    ? { u32: "i32", bool: "u8" }
    : { u32: "i32", bool: "i32", u8: "i32" };
  const zeroOf = (x: Handle): Handle => p.scalar(0, x.dtype);
  /** Are integers of this type negated and so on by operators of their own? */
  const signed = (x: Handle): boolean => x.dtype === "f32" || p.target.has.integerNeg;
  const negative = (x: Handle): Handle => (signed(x) ? p.unary("Neg", x) : p.sub(zeroOf(x), x));
  /** x or y, in a device that has And and Not. */
  const either = (x: Handle, y: Handle): Handle =>
    p.unary("Not", p.binary("And", p.unary("Not", x), p.unary("Not", y)));

  return {
    neg: negative,
    exp: unary("Exp"),
    log: unary("Log"),
    sqrt: unary("Sqrt"),
    rsqrt: (x) => p.unary("Reciprocal", p.unary("Sqrt", x)),
    square: (x) => p.mul(x, x),
    reciprocal: unary("Reciprocal"),
    abs: (x) => (signed(x) ? p.unary("Abs", x) : p.binary("Max", x, negative(x))),
    sign: (x) => signOf(p, x),
    floor: (x) => (x.dtype === "f32" ? p.unary("Floor", x) : x),
    sin: (x) => (p.target.has.accurateSine ? p.unary("Sin", x) : sine(p, x, 0)),
    cos: (x) => (p.target.has.accurateSine ? p.unary("Cos", x) : sine(p, x, 0.5)),
    erf: unary("Erf"),
    relu: (x) => onTwins(p, [x], ([image]) => p.unary("Relu", image as Handle)),
    sigmoid: unary("Sigmoid"),
    tanh: unary("Tanh"),
    softplus: unary("Softplus"),
    logicalNot: unary("Not"),
    reluGrad: (dy, y) => onTwins(p, [dy, y], ([d, r]) => masked(d as Handle, r as Handle)),
    cast: (x, { dtype }) => p.cast(x, dtype),
    stopGradient: (x) => x,
    add: (x, y) => onTwins(p, [x, y], ([a, b]) => arithmetic("Add")(a as Handle, b as Handle)),
    sub: arithmetic("Sub"),
    mul: arithmetic("Mul"),
    div: arithmetic("Div"),
    pow: (x, y) => p.binary("Pow", x, y),
    maximum: arithmetic("Max"),
    minimum: arithmetic("Min"),
    equal: comparison("Equal"),
    less: comparison("Less"),
    lessEqual: comparison("LessOrEqual"),
    greater: comparison("Greater"),
    greaterEqual: comparison("GreaterOrEqual"),
    logicalAnd: (x, y) => p.binary("And", x, y),
    logicalOr: (x, y) => (p.target.has.logicalOr ? p.binary("Or", x, y) : either(x, y)),
    select: (condition, x, y) => {
      const dtype = selectable[x.dtype] ?? x.dtype;
      return p.cast(p.where(condition, p.cast(x, dtype), p.cast(y, dtype)), x.dtype);
    },
  };
}
