/** @file Depthwise convolution: every channel has its own filters. */
import { defineLayer } from "../define-layer.js";
import { positiveInteger } from "../fields.js";
import { imageSize } from "../shared.js";
import { convolve, finish } from "./convolve.js";
import { convFields } from "./fields.js";

export const depthwiseConv2d = defineLayer({
  type: "depthwise_conv2d",
  summary: "Slides trained filters over each channel by itself; channels are not mixed.",
  inputs: "one",
  primary: "kernel",
  fields: {
    ...convFields,
    multiplier: positiveInteger("Filters, and so output channels, per input channel.", 1),
  },
  shapes: "[n, h, w, c] → [n, h', w', c·multiplier]",
  example: "depthwise_conv2d: { kernel: 3, padding: same }",

  lower(context) {
    const { x, fields, reject } = context;
    const { channels } = imageSize(x, reject);
    const filters = channels * fields.multiplier;
    const y = convolve(context, x, { ...fields, filters, groups: channels });
    return finish(context, y, filters, fields);
  },
});
