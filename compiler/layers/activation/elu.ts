/** @file Exponential linear unit (Clevert et al. 2016). */
import { defineLayer } from "../define-layer.js";
import { number } from "../fields.js";
import { elu as build } from "./activations.js";

export const elu = defineLayer({
  type: "elu",
  summary: "x for x > 0, else alpha·(e^x − 1) (Clevert et al. 2016).",
  inputs: "one",
  primary: "alpha",
  fields: { alpha: number("Minus the limit for very negative x.", { exclusiveMinimum: 0 }, 1) },
  padding: "passes",
  shapes: "[n, …] → [n, …]",
  example: "elu: 1",

  lower: ({ b, x, fields }) => build(b, x, fields.alpha),
});
