/** @file Shape rule and reference meaning of reductions. */
import type { ElementType, ReduceOptions } from "@dlc/runtime";
import { shapeOf, type TensorType, type Value } from "../../ir/types.js";
import {
  type BackwardContext,
  type Builder,
  type OpSample,
  type ReferenceTensor,
  Rejection,
} from "../define-op.js";
import { expectAxes, expectDtype } from "./expect.js";
import { count, offsets, stridesOf } from "./walk.js";

/** The shape after reducing `axes`: with size 1 where `keepDims`, else without them. */
export const reducedShape = <D>(
  shape: readonly D[],
  { axes, keepDims }: ReduceOptions,
): readonly (D | 1)[] =>
  shape.flatMap<D | 1>((dim, axis) => {
    if (!axes.includes(axis)) return [dim];
    return keepDims ? [1] : [];
  });

export function reducedTypes(
  x: TensorType,
  options: ReduceOptions,
  allowed: readonly ElementType[],
): readonly TensorType[] {
  expectDtype(x, allowed, 0);
  expectAxes(options.axes, x.shape);
  if (options.axes.length === 0 && x.shape.length > 0) throw new Rejection("no axes to reduce", 0);
  return [{ dtype: x.dtype, shape: reducedShape(x.shape, options) }];
}

/** Folds the reduced elements of each result with `step`, starting from `start`. */
export function reduce(
  x: ReferenceTensor,
  options: ReduceOptions,
  start: number,
  step: (accumulated: number, value: number) => number,
): ReferenceTensor {
  const kept = reducedShape(x.shape, { axes: options.axes, keepDims: true });
  const strides = stridesOf(kept).map((s, axis) => (options.axes.includes(axis) ? 0 : s));
  const at = offsets(x.shape, strides);
  const data = new Float64Array(count(kept)).fill(start);
  at.forEach((to, from) => {
    data[to] = step(data[to] as number, x.data[from] as number);
  });
  return { dtype: x.dtype, shape: reducedShape(x.shape, options), data };
}

/** A reduction's result, or its gradient, with the reduced axes kept as 1. */
export const keepAxes = (b: Builder, value: Value, x: Value, options: ReduceOptions): Value =>
  options.keepDims
    ? value
    : b.reshape(value, { shape: reducedShape(shapeOf(x), { ...options, keepDims: true }) });

/** Gradient of max and min: shared equally by the elements that tie for the extreme. */
export function extremeGradient(context: BackwardContext<ReduceOptions>): readonly Value[] {
  const { b, attrs, grad } = context;
  const [x] = context.inputs;
  const [y] = context.outputs;
  const extreme = keepAxes(b, y, x, attrs);
  const mask = b.cast(b.equal(x, extreme), { dtype: "f32" });
  const ties = b.sum(mask, { axes: attrs.axes, keepDims: true });
  return [b.mul(mask, b.div(keepAxes(b, grad, x, attrs), ties))];
}

/** First, last, several and all axes, kept and dropped; a scalar. */
export const reductionSamples = (distinct: boolean): readonly OpSample[] => [
  { inputs: [{ shape: ["n", 4], distinct }], attrs: { axes: [1], keepDims: false } },
  { inputs: [{ shape: ["n", 4], distinct }], attrs: { axes: [0], keepDims: true } },
  { inputs: [{ shape: ["n", 2, 3], distinct }], attrs: { axes: [0, 2], keepDims: false } },
  { inputs: [{ shape: ["n", 2, 3, 2], distinct }], attrs: { axes: [1, 2], keepDims: true } },
  { inputs: [{ shape: ["n", 3], distinct }], attrs: { axes: [0, 1], keepDims: false } },
  { inputs: [{ shape: [] }], attrs: { axes: [], keepDims: false } },
];
