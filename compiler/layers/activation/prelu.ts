/** @file Rectifier with a trained slope (He et al. 2015). */
import { defineLayer } from "../define-layer.js";
import { number } from "../fields.js";
import { lastSize } from "../shared.js";

export const prelu = defineLayer({
  type: "prelu",
  summary: "x for x > 0, else slope·x, with a trained slope per channel (He et al. 2015).",
  inputs: "one",
  primary: "slope",
  fields: { slope: number("Where the slopes start.", {}, 0.25) },
  padding: "passes",
  shapes: "[n, …, c] → [n, …, c]",
  example: "prelu",

  lower({ b, x, fields, weight, reject }) {
    // Not decayed, as the paper advises: decay would pull the slopes towards plain relu.
    const slope = weight("slope", [lastSize(x, reject)], { kind: "constant", value: fields.slope });
    return b.sub(b.relu(x), b.mul(slope, b.relu(b.neg(x))));
  },
});
