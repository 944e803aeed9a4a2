/** @file Leaky rectifier (Maas et al. 2013). */
import { defineLayer } from "../define-layer.js";
import { number } from "../fields.js";
import { leakyRelu as build } from "./activations.js";

export const leakyRelu = defineLayer({
  type: "leaky_relu",
  summary: "max(x, slope·x) (Maas et al. 2013).",
  inputs: "one",
  primary: "slope",
  fields: { slope: number("Slope below zero.", { minimum: 0, maximum: 1 }, 0.01) },
  padding: "passes",
  shapes: "[n, …] → [n, …]",
  example: "leaky_relu: 0.1",

  lower: ({ b, x, fields }) => build(b, x, fields.slope),
});
