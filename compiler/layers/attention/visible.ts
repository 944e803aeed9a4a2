/** @file Which steps of a memory a step of the query may see, and the softmax that respects it. */
import { shapeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import { scalar } from "../shared.js";

/** Added to the scores of what may not be seen: below every score, and e to its power is 0 in f32 too. */
const hidden = -1e30;

export interface Visibility {
  /** f32 `[n or 1, T or 1, S]`: 0 where the step may be seen, `hidden` elsewhere. */
  readonly bias: Value;
  /** f32 `[n, T or 1, 1]`: 1 where any step may be seen, else 0; null: there always is one. */
  readonly any: Value | null;
}

/** i32 `[length]`: 0, 1, 2 … */
export const counted = (b: Builder, length: number): Value =>
  b.constant({
    dtype: "i32",
    shape: [length],
    value: Array.from({ length }, (_, i) => i),
  });

/** bool `[1, steps, steps]`: true where the second step is not later than the first. */
function past(b: Builder, steps: number): Value {
  const places = counted(b, steps);
  const rows = b.reshape(places, { shape: [1, steps, 1] });
  return b.lessEqual(b.reshape(places, { shape: [1, 1, steps] }), rows);
}

/** `mask`: bool `[n, S]` of the memory. Null: everything may be seen. */
export function visibility(
  b: Builder,
  mask: Value | null,
  causal: boolean,
  steps: number,
): Visibility | null {
  if (mask === null && !causal) return null;
  const before = causal ? past(b, steps) : null;
  const [batch = "n", length = 1] = mask === null ? [] : shapeOf(mask);
  const real = mask === null ? null : b.reshape(mask, { shape: [batch, 1, length] });
  const seen = real === null ? before : before === null ? real : b.logicalAnd(real, before);
  const bias = b.select(seen as Value, scalar(b, 0), scalar(b, hidden));
  if (real === null) return { bias, any: null };
  const marks = b.cast(seen as Value, { dtype: "f32" });
  return { bias, any: b.max(marks, { axes: [2], keepDims: true }) };
}

/** With an axis for heads: `[n, 1, T, S]`. */
export function overHeads(b: Builder, { bias, any }: Visibility): Visibility {
  const widen = (x: Value): Value => {
    const [batch = 1, ...rest] = shapeOf(x);
    return b.reshape(x, { shape: [batch, 1, ...rest] });
  };
  return { bias: widen(bias), any: any === null ? null : widen(any) };
}

/**
 * Weights over the memory's steps, the last axis of `scores`: 0 for what may not be seen. A row that
 * sees nothing holds arbitrary weights, and what it gives is to be multiplied by `any`.
 */
export function weigh(b: Builder, scores: Value, seen: Visibility | null): Value {
  const shown = seen === null ? scores : b.add(scores, seen.bias);
  return b.softmax(shown, { axis: shapeOf(scores).length - 1 });
}

/** Zeros for rows that see nothing. */
export const blank = (b: Builder, x: Value, seen: Visibility | null): Value =>
  seen === null || seen.any === null ? x : b.mul(x, seen.any);
