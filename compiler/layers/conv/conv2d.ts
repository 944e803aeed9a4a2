/** @file Two-dimensional convolution. */
import { defineLayer } from "../define-layer.js";
import { positiveInteger } from "../fields.js";
import { convolve, finish } from "./convolve.js";
import { convFields, filtersField } from "./fields.js";

export const conv2d = defineLayer({
  type: "conv2d",
  summary: "Slides trained filters over images; each gives one output channel.",
  inputs: "one",
  primary: "filters",
  fields: {
    filters: filtersField,
    ...convFields,
    groups: positiveInteger("Split the channels into this many independent groups.", 1),
  },
  shapes: "[n, h, w, c] → [n, h', w', filters]",
  example: "conv2d: { filters: 32, kernel: 3, padding: same, activation: relu }",

  lower(context) {
    const { x, fields } = context;
    return finish(context, convolve(context, x, fields), fields.filters, fields);
  },
});
