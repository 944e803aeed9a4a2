/** @file Additive noise, for denoising. */
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { number } from "../fields.js";
import { scalar } from "../shared.js";

export const gaussianNoise = defineLayer({
  type: "gaussian_noise",
  summary: "While training, adds normal numbers of mean 0; afterwards it does nothing.",
  inputs: "one",
  primary: "deviation",
  fields: { deviation: number("Standard deviation of the noise.", { minimum: 0 }) },
  padding: "passes",
  shapes: "[n, …] → [n, …]",
  example: "gaussian_noise: 0.3",

  lower({ b, x, fields: { deviation }, training, normal }) {
    if (!training || deviation === 0) return x;
    return b.add(x, b.mul(normal(shapeOf(x)), scalar(b, deviation)));
  },
});
