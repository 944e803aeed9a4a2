/** @file Elementwise mean of several inputs. */
import { defineLayer } from "../define-layer.js";
import { scalar } from "../shared.js";
import { fold } from "./elementwise.js";

export const average = defineLayer({
  type: "average",
  summary: "Elementwise mean of several inputs of equal shape.",
  inputs: "many",
  primary: null,
  fields: {},
  padding: "passes",
  shapes: "k × [n, …] → [n, …]",
  example: "average: [left, right]",

  lower(context) {
    const { b, inputs } = context;
    const sum = fold(context, (x, y) => b.add(x, y));
    return b.mul(sum, scalar(b, 1 / inputs.length));
  },
});
