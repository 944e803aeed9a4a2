/** @file One-dimensional convolution: a two-dimensional one over images of height 1. */
import { shapeOf } from "../../ir/types.js";
import { activationField } from "../activation/activations.js";
import { defineLayer } from "../define-layer.js";
import { padding1d, positiveInteger } from "../fields.js";
import { kernelFields, sequenceSize, showSequence } from "../shared.js";
import { convolve, finish } from "./convolve.js";
import { filtersField } from "./fields.js";

export const conv1d = defineLayer({
  type: "conv1d",
  summary: "Slides trained filters along sequences; each gives one output channel.",
  inputs: "one",
  primary: "filters",
  fields: {
    filters: filtersField,
    kernel: positiveInteger("Length of the window.", 3),
    stride: positiveInteger("Step of the window.", 1),
    padding: padding1d(
      "same: zeros around the sequence so that only the stride makes it shorter (an odd one at the end); valid: none; or a number of zeros on both sides.",
    ),
    dilation: positiveInteger("Distance between the kernel's taps; 1: no gaps.", 1),
    groups: positiveInteger("Split the channels into this many independent groups.", 1),
    activation: activationField("Applied to the result."),
    ...kernelFields,
  },
  shapes: "[n, length, c] → [n, length', filters]",
  example: "conv1d: { filters: 16, kernel: 5, padding: same }",

  lower(context) {
    const { b, x, fields, reject } = context;
    const { length, channels } = sequenceSize(x, reject);
    const [batch = "n"] = shapeOf(x);
    const image = b.reshape(x, { shape: [batch, 1, length, channels] });
    const y = convolve(context, image, {
      ...fields,
      kernel: [1, fields.kernel],
      stride: [1, fields.stride],
      dilation: [1, fields.dilation],
      show: showSequence,
    });
    const [, , outputs = 1] = shapeOf(y);
    const sequence = b.reshape(y, { shape: [batch, outputs, fields.filters] });
    return finish(context, sequence, fields.filters, fields);
  },
});
