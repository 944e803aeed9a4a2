/** @file One-dimensional convolution: a two-dimensional one over images of height 1. */
import { shapeOf } from "../../ir/types.js";
import { activationField } from "../activation/activations.js";
import { defineLayer } from "../define-layer.js";
import { causalPadding, positiveInteger } from "../fields.js";
import { maskBehind, zeroed } from "../sequence/steps.js";
import { extent, kernelFields, sequenceSize, showSequence } from "../shared.js";
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
    padding: causalPadding(
      "same: zeros around the sequence so that only the stride makes it shorter (an odd one at the end); causal: all of them in front, so that no output sees later steps; valid: none; or a number of zeros on both sides.",
    ),
    dilation: positiveInteger("Distance between the kernel's taps; 1: no gaps.", 1),
    groups: positiveInteger("Split the channels into this many independent groups.", 1),
    activation: activationField("Applied to the result."),
    ...kernelFields,
  },
  padding: "handles",
  looksAhead: ({ kernel, stride, padding }) => stride > 1 || (kernel > 1 && padding !== "causal"),
  shapes: "[n, length, c] → [n, length', filters]",
  example: "conv1d: { filters: 16, kernel: 5, padding: same }",

  lower(context) {
    const { b, x, masks, fields, setMask, reject } = context;
    const { length, channels } = sequenceSize(x, reject);
    const [batch = "n"] = shapeOf(x);
    const [mask = null] = masks;
    const read = zeroed(b, x, mask);
    const image = b.reshape(read, { shape: [batch, 1, length, channels] });
    const before = extent(fields.kernel, fields.dilation) - 1;
    const y = convolve(context, image, {
      ...fields,
      padding: fields.padding === "causal" ? { pads: [0, before, 0, 0] } : fields.padding,
      kernel: [1, fields.kernel],
      stride: [1, fields.stride],
      dilation: [1, fields.dilation],
      show: showSequence,
    });
    const outputs = Number(shapeOf(y)[2]);
    setMask(maskBehind(b, mask, outputs, fields));
    const sequence = b.reshape(y, { shape: [batch, outputs, fields.filters] });
    return finish(context, sequence, fields.filters, fields);
  },
});
