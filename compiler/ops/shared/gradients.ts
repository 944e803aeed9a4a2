/** @file Pieces that gradient rules share. */
import { shapeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../define-op.js";

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
