/** @file Elementwise difference. */
import { defineLayer } from "../define-layer.js";
import { fold } from "./elementwise.js";

export const subtract = defineLayer({
  type: "subtract",
  summary: "The first input minus the others, elementwise.",
  inputs: "many",
  primary: null,
  fields: {},
  padding: "passes",
  shapes: "k × [n, …] → [n, …]",
  example: "subtract: [prediction, baseline]",

  lower: (context) => fold(context, (x, y) => context.b.sub(x, y)),
});
