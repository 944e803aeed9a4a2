/** @file Elementwise maximum of several inputs. */
import { defineLayer } from "../define-layer.js";
import { fold } from "./elementwise.js";

export const maximum = defineLayer({
  type: "maximum",
  summary: "Elementwise largest of several inputs of equal shape.",
  inputs: "many",
  primary: null,
  fields: {},
  padding: "passes",
  shapes: "k × [n, …] → [n, …]",
  example: "maximum: [left, right]",

  lower: (context) => fold(context, (x, y) => context.b.maximum(x, y)),
});
