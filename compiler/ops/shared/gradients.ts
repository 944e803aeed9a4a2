/** @file Pieces that gradient rules and expansions share. */
import { shapeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../define-op.js";

/** An f32 scalar constant. */
export const number = (b: Builder, value: number): Value =>
  b.constant({ dtype: "f32", shape: [], value });

/** `x` times a plain number. */
export const scale = (b: Builder, x: Value, factor: number): Value => b.mul(x, number(b, factor));

/** Undoes broadcasting: sums `gradient` over the axes along which `operand` was stretched. */
export function sumTo(b: Builder, gradient: Value, operand: Value): Value {
  const from = shapeOf(gradient);
  const to = shapeOf(operand);
  const lead = from.length - to.length;
  const axes = from.flatMap((dim, axis) => {
    const target = axis < lead ? undefined : to[axis - lead];
    return target === undefined || (target === 1 && dim !== 1) ? [axis] : [];
  });
  if (axes.length === 0) return gradient;
  const summed = b.sum(gradient, { axes, keepDims: true });
  return lead === 0 ? summed : b.reshape(summed, { shape: to });
}

/** All axes of `x` except one: those that per-channel statistics are taken over. */
export const otherAxes = (x: Value, axis: number): number[] =>
  shapeOf(x).flatMap((_, i) => (i === axis ? [] : [i]));

/** A vector per channel as `[1, …, channels, …, 1]`, to broadcast against an `x` of that rank. */
export function perChannel(b: Builder, vector: Value, x: Value, axis: number): Value {
  const channels = shapeOf(vector)[0] ?? 1;
  return b.reshape(vector, { shape: shapeOf(x).map((_, i) => (i === axis ? channels : 1)) });
}
