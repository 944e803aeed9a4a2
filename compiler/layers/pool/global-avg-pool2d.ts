/** @file Global average pooling. */
import { defineLayer } from "../define-layer.js";
import { imageSize } from "../shared.js";

export const globalAvgPool2d = defineLayer({
  type: "global_avg_pool2d",
  summary: "Average of every channel over the whole image (Lin et al. 2014).",
  inputs: "one",
  primary: null,
  fields: {},
  shapes: "[n, h, w, c] → [n, c]",
  example: "global_avg_pool2d",

  lower({ b, x, reject }) {
    imageSize(x, reject);
    return b.mean(x, { axes: [1, 2], keepDims: false });
  },
});
