/** @file Checks that shape rules share. All throw `Rejection` with the numbers in the message. */

import type { ElementType } from "@dlc/runtime";
import { count } from "../../diagnostics/count.js";
import { formatShape } from "../../ir/shape.js";
import type { Dim, Shape, TensorType } from "../../ir/types.js";
import { Rejection } from "../define-op.js";

export const floats: readonly ElementType[] = ["f32"];
/** Of ops that take halves, too. */
export const allFloats: readonly ElementType[] = ["f32", "f16", "bf16"];
export const numbers: readonly ElementType[] = ["f32", "i32"];
export const comparables: readonly ElementType[] = ["f32", "i32", "bool"];
export const masks: readonly ElementType[] = ["bool"];
export const indices: readonly ElementType[] = ["i32"];

/** "an f32", "a bool": dtypes as they read in a sentence. */
const spoken = (dtype: ElementType): string =>
  `${["f32", "i32", "f16"].includes(dtype) ? "an" : "a"} ${dtype}`;

export function expectDtype(
  type: TensorType,
  allowed: readonly ElementType[],
  input: number,
  what = "input",
): void {
  if (allowed.includes(type.dtype)) return;
  throw new Rejection(`${what} must be ${allowed.join(" or ")}, not ${type.dtype}`, input);
}

export function expectSameDtype(x: TensorType, y: TensorType, input: number): void {
  if (x.dtype === y.dtype) return;
  throw new Rejection(`${spoken(x.dtype)} and ${spoken(y.dtype)} tensor do not mix`, input);
}

export function expectRank(type: TensorType, rank: number, input: number, what = "input"): void {
  if (type.shape.length === rank) return;
  const has = `${formatShape(type.shape)} has ${type.shape.length}`;
  throw new Rejection(`${what} needs ${rank} axes, but ${has}`, input);
}

export function expectShape(type: TensorType, shape: Shape, input: number, what: string): void {
  if (type.shape.length === shape.length && type.shape.every((dim, i) => dim === shape[i])) return;
  throw new Rejection(
    `${what} must have the shape ${formatShape(shape)}, not ${formatShape(type.shape)}`,
    input,
  );
}

export function expectScalar(
  type: TensorType,
  dtype: ElementType,
  input: number,
  what: string,
): void {
  expectDtype(type, [dtype], input, what);
  expectShape(type, [], input, what);
}

/** An axis of `shape`, counted from 0. */
export function expectAxis(axis: number, shape: Shape, input = 0): void {
  if (Number.isInteger(axis) && axis >= 0 && axis < shape.length) return;
  throw new Rejection(
    `there is no axis ${axis}: ${formatShape(shape)} has ${count(shape.length, "axis", "axes")}, counted from 0`,
    input,
  );
}

/** Axes that exist, ascending and without repetition. */
export function expectAxes(axes: readonly number[], shape: Shape, input = 0): void {
  for (const axis of axes) expectAxis(axis, shape, input);
  if (axes.some((axis, i) => i > 0 && axis <= (axes[i - 1] as number))) {
    throw new Rejection(`axes [${axes.join(",")}] must ascend without repetition`, input);
  }
}

/** The dimension as a number; a multiple of the batch size is rejected. */
export function expectStatic(dim: Dim | undefined, input: number, what: string): number {
  if (typeof dim === "number") return dim;
  throw new Rejection(`${what} must be a fixed number, not the batch size (${dim})`, input);
}

export function expectPositive(values: readonly number[], what: string): void {
  if (values.every((value) => Number.isInteger(value) && value >= 1)) return;
  throw new Rejection(`${what} must be whole numbers of at least 1, not ${values.join("x")}`);
}
