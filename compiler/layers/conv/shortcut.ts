/** @file The skip path of residual networks (He et al. 2016, option B). */
import { defineLayer } from "../define-layer.js";
import { flag, pair } from "../fields.js";
import { imageSize, kernelFields } from "../shared.js";
import { convolve, finish } from "./convolve.js";
import { filtersField } from "./fields.js";

export const shortcut = defineLayer({
  type: "shortcut",
  summary:
    "Passes its input on unchanged where the shape already fits, else through a 1×1 convolution with the given filters and stride.",
  inputs: "one",
  primary: "filters",
  fields: {
    filters: filtersField,
    stride: pair("Step of the projection; more than 1 makes the image smaller.", 1, [1, 1]),
    ...kernelFields,
    bias: flag("Add a trained bias to the projection.", false),
  },
  shapes: "[n, h, w, c] → [n, ⌈h/stride⌉, ⌈w/stride⌉, filters]",
  example: "shortcut: { filters: 64, stride: 2 }",

  lower(context) {
    const { x, fields, reject } = context;
    const { channels } = imageSize(x, reject);
    const [down, across] = fields.stride;
    if (channels === fields.filters && down === 1 && across === 1) return x;
    const y = convolve(context, x, {
      ...fields,
      kernel: [1, 1],
      dilation: [1, 1],
      padding: "valid",
      groups: 1,
    });
    return finish(context, y, fields.filters, { ...fields, activation: "linear" });
  },
});
