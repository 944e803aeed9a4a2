/** @file Elementwise sum of several inputs. */
import { defineLayer } from "../define-layer.js";
import { fold } from "./elementwise.js";

export const add = defineLayer({
  type: "add",
  summary: "Elementwise sum of several inputs of equal shape.",
  inputs: "many",
  primary: null,
  fields: {},
  padding: "passes",
  shapes: "k × [n, …] → [n, …]",
  example: "add: [body, skip]",

  lower: (context) => fold(context, (x, y) => context.b.add(x, y)),
});
