/** @file Global max pooling. */
import { defineLayer } from "../define-layer.js";
import { imageSize } from "../shared.js";

export const globalMaxPool2d = defineLayer({
  type: "global_max_pool2d",
  summary: "Largest value of every channel over the whole image.",
  inputs: "one",
  primary: null,
  fields: {},
  shapes: "[n, h, w, c] → [n, c]",
  example: "global_max_pool2d",

  lower({ b, x, reject }) {
    imageSize(x, reject);
    return b.max(x, { axes: [1, 2], keepDims: false });
  },
});
