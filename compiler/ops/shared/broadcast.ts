/** @file Broadcasting for ops of two and more operands: shape rule and reference meaning. */
import type { ElementType } from "@dlc/runtime";
import { broadcast, formatShape } from "../../ir/shape.js";
import type { Shape, TensorType } from "../../ir/types.js";
import { type ReferenceTensor, Rejection } from "../define-op.js";
import { expectDtype, expectSameDtype } from "./expect.js";
import { broadcastStrides, count, offsets } from "./walk.js";

/** The common shape of two operands. */
export function broadcastShapes(x: Shape, y: Shape, input = 1): Shape {
  const shape = broadcast(x, y);
  if (shape !== null) return shape;
  throw new Rejection(`shapes ${formatShape(x)} and ${formatShape(y)} do not broadcast`, input);
}

/** The common type of two operands; they must have one of the allowed dtypes, the same for both. */
export function broadcastTypes(
  x: TensorType,
  y: TensorType,
  allowed: readonly ElementType[],
  result: ElementType = x.dtype,
): readonly TensorType[] {
  expectDtype(x, allowed, 0);
  expectSameDtype(x, y, 1);
  return [{ dtype: result, shape: broadcastShapes(x.shape, y.shape) }];
}

/** The elements of `x` as seen from the larger `shape`. */
export function stretch(x: ReferenceTensor, shape: readonly number[]): Float64Array {
  const size = count(shape);
  if (x.data.length === size) return x.data;
  if (x.data.length === 1) return new Float64Array(size).fill(x.data[0] as number);
  const at = offsets(shape, broadcastStrides(x.shape, shape));
  return Float64Array.from(at, (offset) => x.data[offset] as number);
}

/** Applies `f` to all pairs of elements of two broadcast operands. */
export function zip(
  x: ReferenceTensor,
  y: ReferenceTensor,
  f: (p: number, q: number) => number,
  dtype: ElementType = x.dtype,
): readonly ReferenceTensor[] {
  const shape = broadcastShapes(x.shape, y.shape) as readonly number[];
  const left = stretch(x, shape);
  const right = stretch(y, shape);
  return [{ dtype, shape, data: left.map((value, i) => f(value, right[i] as number)) }];
}
