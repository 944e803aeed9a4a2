/** @file Numbers from nowhere: what a generator starts from. */
import { defineLayer } from "../define-layer.js";
import { choice, sizeOrShape } from "../fields.js";
import { scalar } from "../shared.js";

export const noise = defineLayer({
  type: "noise",
  summary:
    "Random numbers, new ones for every example, in training, evaluation and prediction alike; where they are not trained on, the seed settles them.",
  inputs: "none",
  primary: "size",
  fields: {
    size: sizeOrShape("How many numbers, or the shape: 64 or [7, 7, 8]."),
    distribution: choice(
      "normal: mean 0 and variance 1; uniform: from −1 to 1.",
      ["normal", "uniform"],
      "normal",
    ),
  },
  shapes: "→ [n, …size]",
  example: "noise: 64",

  lower({ b, fields: { size, distribution }, normal, random }) {
    const shape = ["n", ...size];
    if (distribution === "normal") return normal(shape);
    return b.sub(b.mul(random(shape), scalar(b, 2)), scalar(b, 1));
  },
});
