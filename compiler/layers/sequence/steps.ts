/** @file Masks of sequences with padding: bool `[n, steps]`, true where an example has that step. */
import { type Shape, shapeOf, typeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import type { Padding } from "../fields.js";
import { extent, scalar } from "../shared.js";

/** A mask with axes of size 1 behind it, so that it broadcasts against `[n, steps, …]`. */
export function stretched(b: Builder, mask: Value, like: Value): Value {
  const shape: Shape = [
    ...shapeOf(mask),
    ...shapeOf(like)
      .slice(2)
      .map(() => 1),
  ];
  return shape.length === 2 ? mask : b.reshape(mask, { shape });
}

/** `x` with zeros in its padding. */
export function zeroed(b: Builder, x: Value, mask: Value | null): Value {
  if (mask === null) return x;
  const zero = b.constant({ dtype: typeOf(x).dtype, shape: [], value: 0 });
  return b.select(stretched(b, mask, x), x, zero);
}

/** How a window slides along a sequence. */
export interface Sliding {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** As the layers have it; zeros on both sides are `[0, number]`. */
  readonly padding: Padding | "causal";
}

/**
 * The mask behind a sliding window, for `outputs` of them: as if each example were as long as its
 * steps. With `same` and `causal` there is an output for every `stride` steps; else only for windows
 * that end within the steps and the zeros around them.
 */
export function maskBehind(
  b: Builder,
  mask: Value | null,
  outputs: number,
  { kernel, stride, dilation, padding }: Sliding,
): Value | null {
  if (mask === null) return null;
  const steps = Number(shapeOf(mask)[1]);
  const around = typeof padding === "string" ? 0 : padding[1];
  const perStep = padding === "same" || padding === "causal";
  const reach = perStep ? 0 : extent(kernel, dilation) - 1 - 2 * around;
  const decisive = Array.from({ length: outputs }, (_, i) => Math.max(0, i * stride + reach));
  if (outputs === steps && decisive.every((step, i) => step === i)) return mask;
  const table = b.constant({ dtype: "i32", shape: [outputs], value: decisive });
  // Numbers, because not every engine gathers truth values.
  const chosen = b.gather(b.cast(mask, { dtype: "f32" }), table, { axis: 1 });
  return b.greater(chosen, scalar(b, 0));
}

/** 1 where an example has a step and 0 in its padding, as f32 of the mask's shape. */
export const presenceOf = (b: Builder, mask: Value): Value => b.cast(mask, { dtype: "f32" });

/** The smallest f32: it never wins a maximum against a number. */
const lowest = -3.4028234663852886e38;

/** `x` with the smallest of all numbers in its padding. */
export const lowestInPadding = (b: Builder, x: Value, mask: Value): Value =>
  b.select(stretched(b, mask, x), x, scalar(b, lowest));

/** Where all of several masks hold; null for none. */
export function jointMask(b: Builder, masks: readonly (Value | null)[]): Value | null {
  const [first = null, ...others] = masks.filter((mask) => mask !== null);
  if (first === null) return null;
  return others.reduce(
    (all, mask) =>
      all.node === mask.node && all.output === mask.output ? all : b.logicalAnd(all, mask),
    first,
  );
}

/** The mask of sequences that follow each other; null where none has padding. */
export function maskInARow(
  b: Builder,
  values: readonly Value[],
  masks: readonly (Value | null)[],
): Value | null {
  if (masks.every((mask) => mask === null)) return null;
  const parts = values.map((value, i) => {
    const mask = masks[i] ?? null;
    if (mask !== null) return presenceOf(b, mask);
    return b.constant({ dtype: "f32", shape: shapeOf(value).slice(0, 2), value: 1 });
  });
  // Numbers, because not every engine joins truth values.
  return b.greater(b.concat(parts, { axis: 1 }), scalar(b, 0));
}
