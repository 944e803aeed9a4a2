/** @file Elementwise sum of several inputs. */
import { defineLayer } from "../define-layer.js";

export const add = defineLayer({
  type: "add",
  summary: "Elementwise sum of several inputs of equal shape.",
  inputs: "many",
  primary: null,
  fields: {},
  shapes: "k × [n, …] → [n, …]",
  example: "add: [body, skip]",

  lower({ b, inputs, x }) {
    return inputs.slice(1).reduce((sum, input) => b.add(sum, input), x);
  },
});
