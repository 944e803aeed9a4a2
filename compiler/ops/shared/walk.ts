/** @file Positions in row-major tensors: the one primitive that the reference meanings use. */
import type { Dim } from "../../ir/types.js";

/** Distance between neighbours along each axis of a dense row-major tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (shape[axis + 1] as number);
  }
  return strides;
}

export const count = (shape: readonly number[]): number => shape.reduce((a, d) => a * d, 1);

/** `start + Σ index·stride` for every index of `shape`, row by row. */
export function offsets(
  shape: readonly number[],
  strides: readonly number[],
  start = 0,
): Int32Array {
  const result = new Int32Array(count(shape));
  if (result.length === 0) return result;
  result[0] = start;
  let filled = result.length === 0 ? 0 : 1;
  // Axis by axis from the last: the block known so far is repeated along the axis, moved on.
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const block = filled;
    const stride = strides[axis] as number;
    for (let i = 1; i < (shape[axis] as number); i++) {
      for (let j = 0; j < block; j++) result[filled++] = (result[j] as number) + i * stride;
    }
  }
  return result;
}

/** Strides that read a tensor of shape `from` as if it were broadcast to `to`. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from);
  const lead = to.length - from.length;
  return to.map((_, axis) =>
    axis < lead || from[axis - lead] === 1 ? 0 : (own[axis - lead] as number),
  );
}

/** A shape attribute inside `evaluate`, where every dimension is a number. */
export function concrete(shape: readonly Dim[]): readonly number[] {
  return shape.map((dim) => {
    if (typeof dim === "number") return dim;
    throw new Error(`the dimension ${dim} should have been replaced by a number`);
  });
}
