/** @file Dropout (Srivastava et al. 2014), inverted. */
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { number } from "../fields.js";
import { scalar } from "../shared.js";

export const dropout = defineLayer({
  type: "dropout",
  summary:
    "While training, sets random elements to zero and scales the others by 1/(1 − rate), so that the mean stays; afterwards it does nothing.",
  inputs: "one",
  primary: "rate",
  fields: {
    rate: number("Share of the elements that is dropped.", { minimum: 0, exclusiveMaximum: 1 }),
  },
  shapes: "[n, …] → [n, …]",
  example: "dropout: 0.5",

  lower({ b, x, fields: { rate }, training, random }) {
    if (!training || rate === 0) return x;
    const kept = b.cast(b.greaterEqual(random(shapeOf(x)), scalar(b, rate)), { dtype: "f32" });
    return b.mul(x, b.mul(kept, scalar(b, 1 / (1 - rate))));
  },
});
