/** @file Average pooling of images. */
import { defineLayer } from "../define-layer.js";
import { flag, padding } from "../fields.js";
import { avgPool, avgPoolWithPadding, pool2dFields, poolImages, strideOf } from "./pooling.js";

export const avgPool2d = defineLayer({
  type: "avg_pool2d",
  summary: "Averages each window.",
  inputs: "one",
  primary: "size",
  fields: {
    ...pool2dFields,
    padding: padding(
      "same: cover the whole image, with windows reaching over its border; valid: only whole windows; or a number of rows and columns on every side, or [height, width].",
    ),
    count_padding: flag(
      "Let padding count as zeros (PyTorch's default); otherwise a window's mean is that of its part inside the image (TensorFlow).",
      false,
    ),
  },
  shapes: "[n, h, w, c] → [n, h', w', c]",
  example: "avg_pool2d: 2",
  implied: (fields) => ({ stride: strideOf(fields) }),

  lower: ({ b, x, fields, reject }) =>
    poolImages(b, x, fields, fields.count_padding ? avgPoolWithPadding : avgPool, reject),
});
