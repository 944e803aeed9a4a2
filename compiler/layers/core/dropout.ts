/** @file Dropout (Srivastava et al. 2014), inverted. */
import { type Shape, shapeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import { defineLayer } from "../define-layer.js";
import { number } from "../fields.js";
import { scalar } from "../shared.js";

/** `x` while training: random elements set to 0, the others scaled by 1/(1 − rate). */
export function drop(b: Builder, x: Value, rate: number, random: (shape: Shape) => Value): Value {
  if (rate === 0) return x;
  const kept = b.cast(b.greaterEqual(random(shapeOf(x)), scalar(b, rate)), { dtype: "f32" });
  return b.mul(x, b.mul(kept, scalar(b, 1 / (1 - rate))));
}

export const dropout = defineLayer({
  type: "dropout",
  summary:
    "While training, sets random elements to zero and scales the others by 1/(1 − rate), so that the mean stays; afterwards it does nothing.",
  inputs: "one",
  primary: "rate",
  fields: {
    rate: number("Share of the elements that is dropped.", { minimum: 0, exclusiveMaximum: 1 }),
  },
  padding: "passes",
  shapes: "[n, …] → [n, …]",
  example: "dropout: 0.5",

  lower: ({ b, x, fields, training, random }) => (training ? drop(b, x, fields.rate, random) : x),
});
