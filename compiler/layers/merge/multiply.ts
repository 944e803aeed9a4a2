/** @file Elementwise product of several inputs. */
import { defineLayer } from "../define-layer.js";
import { fold } from "./elementwise.js";

export const multiply = defineLayer({
  type: "multiply",
  summary:
    "Elementwise product of several inputs of equal shape; an axis of size 1 stretches, so that gates work.",
  inputs: "many",
  primary: null,
  fields: {},
  padding: "passes",
  shapes: "k × [n, …] → [n, …]",
  example: "multiply: [features, gate]",

  lower: (context) => fold(context, (x, y) => context.b.mul(x, y)),
});
