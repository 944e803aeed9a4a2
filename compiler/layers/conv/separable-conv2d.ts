/** @file Depthwise separable convolution (Chollet 2017; Howard et al. 2017). */
import { defineLayer } from "../define-layer.js";
import { positiveInteger } from "../fields.js";
import { imageSize } from "../shared.js";
import { convolve, finish } from "./convolve.js";
import { convFields, filtersField } from "./fields.js";

export const separableConv2d = defineLayer({
  type: "separable_conv2d",
  summary: "A depthwise convolution, then a 1×1 convolution that mixes the channels.",
  inputs: "one",
  primary: "filters",
  fields: {
    filters: filtersField,
    ...convFields,
    multiplier: positiveInteger("Filters per input channel in the depthwise part.", 1),
  },
  shapes: "[n, h, w, c] → [n, h', w', filters]",
  example: "separable_conv2d: { filters: 32, kernel: 3, activation: relu }",

  lower(context) {
    const { x, fields, reject } = context;
    const { channels } = imageSize(x, reject);
    const depthwise = convolve(
      context,
      x,
      { ...fields, filters: channels * fields.multiplier, groups: channels },
      "depthwise_kernel",
    );
    const mixed = convolve(
      context,
      depthwise,
      {
        ...fields,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        padding: "valid",
        groups: 1,
      },
      "pointwise_kernel",
    );
    return finish(context, mixed, fields.filters, fields);
  },
});
