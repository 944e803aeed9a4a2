/** @file Noise that blots elements out, for denoising (Vincent et al. 2008). */
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { number } from "../fields.js";
import { scalar } from "../shared.js";

export const maskingNoise = defineLayer({
  type: "masking_noise",
  summary:
    "While training, sets random elements to zero and leaves the others as they are (dropout scales them); afterwards it does nothing.",
  inputs: "one",
  primary: "rate",
  fields: {
    rate: number("Share of the elements that is set to zero.", { minimum: 0, maximum: 1 }),
  },
  padding: "passes",
  shapes: "[n, …] → [n, …]",
  example: "masking_noise: 0.3",

  lower({ b, x, fields: { rate }, training, random }) {
    if (!training || rate === 0) return x;
    const kept = b.greaterEqual(random(shapeOf(x)), scalar(b, rate));
    return b.mul(x, b.cast(kept, { dtype: "f32" }));
  },
});
