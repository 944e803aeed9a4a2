/** @file What rules ask about the values they look at. */
import type { OpKind } from "@dlc/runtime";
import type { GraphBuilder } from "../ir/builder.js";
import type { Origin } from "../ir/origin.js";
import { product, sameShape } from "../ir/shape.js";
import { sameType } from "../ir/text.js";
import { type Shape, shapeOf, type TensorType, typeOf, type Value } from "../ir/types.js";
import type { AttrsOf, Builder, Inputs } from "../ops/define-op.js";

export interface Made<K extends OpKind> {
  readonly inputs: Inputs<Value>;
  readonly attrs: AttrsOf<K>;
  /** The optional inputs present, by name. */
  readonly optional: Readonly<Record<string, Value | undefined>>;
}

/** The node that made a value, if it is of that kind. */
export function made<K extends OpKind>(value: Value, kind: K): Made<K> | null {
  const { node } = value;
  if (node.kind !== kind) return null;
  const required = node.inputs.length - node.optional.length;
  return {
    inputs: node.inputs as unknown as Inputs<Value>,
    attrs: node.attrs as AttrsOf<K>,
    optional: Object.fromEntries(node.optional.map((name, i) => [name, node.inputs[required + i]])),
  };
}

export const sameValue = (a: Value, b: Value): boolean =>
  a.node === b.node && a.output === b.output;

export const hasTypeOf = (a: Value, b: Value): boolean => sameType(typeOf(a), typeOf(b));

/** Builds nodes that belong to another place of the spec than the node being rewritten. */
export function withOrigin<T>(b: GraphBuilder, origin: Origin, build: () => T): T {
  const before = b.origin;
  b.origin = origin;
  const result = build();
  b.origin = before;
  return result;
}

/** The number that fills a constant, or null. */
export function filledWith(value: Value): number | null {
  const constant = made(value, "constant");
  if (constant === null) return null;
  const { value: content } = constant.attrs;
  if (typeof content === "number") return content;
  const [first] = content;
  return first !== undefined && content.every((entry) => Object.is(entry, first)) ? first : null;
}

/** A constant filled with one number. */
export const fill = (b: Builder, type: TensorType, value: number): Value =>
  b.constant({ ...type, value });

/** A value with one element, whatever its rank. */
export const isSingle = (value: Value): boolean => product(shapeOf(value)) === 1;

/** A value with one element as a scalar. */
export const asScalar = (b: Builder, value: Value): Value =>
  shapeOf(value).length === 0 ? value : b.reshape(value, { shape: [] });

/** The axes of a shape, ascending. */
export const axesOf = (shape: Shape): number[] => shape.map((_, axis) => axis);

/** `shape` with the axes permuted. */
export const permute = <T>(shape: readonly T[], perm: readonly number[]): T[] =>
  perm.map((axis) => shape[axis] as T);

export const reshaped = (b: Builder, value: Value, shape: Shape): Value =>
  sameShape(shapeOf(value), shape) ? value : b.reshape(value, { shape });

/** Does permuting only move axes of size 1, so that the elements keep their order? */
export function keepsOrder(shape: Shape, perm: readonly number[]): boolean {
  const moved = perm.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, i) => i === 0 || axis > (moved[i - 1] as number));
}

/** Permutes axes: nothing for the identity, a reshape where the elements keep their order. */
export function transposed(b: Builder, value: Value, perm: readonly number[]): Value {
  const shape = shapeOf(value);
  if (perm.every((axis, i) => axis === i)) return value;
  return keepsOrder(shape, perm)
    ? b.reshape(value, { shape: permute(shape, perm) })
    : b.transpose(value, { perm });
}

export const inverse = (perm: readonly number[]): number[] =>
  perm.map((_, axis) => perm.indexOf(axis));

/** Elementwise ops with one input that is a tensor and whose result has its shape. */
export const unaryOps = [
  "neg",
  "exp",
  "log",
  "sqrt",
  "rsqrt",
  "square",
  "reciprocal",
  "abs",
  "sign",
  "floor",
  "sin",
  "cos",
  "erf",
  "relu",
  "sigmoid",
  "tanh",
  "softplus",
  "logicalNot",
  "cast",
  "stopGradient",
] as const satisfies readonly OpKind[];

/** Elementwise ops whose operands broadcast. */
export const broadcastingOps = [
  "add",
  "sub",
  "mul",
  "div",
  "pow",
  "maximum",
  "minimum",
  "equal",
  "less",
  "lessEqual",
  "greater",
  "greaterEqual",
  "logicalAnd",
  "logicalOr",
  "select",
] as const satisfies readonly OpKind[];

/** All ops that treat every element alike. */
export const elementwiseOps = [
  ...unaryOps,
  ...broadcastingOps,
  "reluGrad",
  "sigmoidCrossEntropy",
] as const satisfies readonly OpKind[];
