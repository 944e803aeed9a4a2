/** @file Transposed convolution (Dumoulin & Visin 2016): the gradient of conv2d towards its input. */
import type { Pads, Pair } from "@dlc/runtime";
import { defineLayer } from "../define-layer.js";
import type { Padding } from "../fields.js";
import { initOf } from "../init.js";
import { extent, imageSize } from "../shared.js";
import { finish } from "./convolve.js";
import { convFields, filtersField } from "./fields.js";

/**
 * Size of one output axis and the padding of the convolution it is the transpose of.
 * same: size·stride, as Keras. valid: size·stride + max(kernel − stride, 0), as Keras.
 * A number p: (size − 1)·stride + kernel − 2p, as PyTorch.
 */
function axisOf(
  padding: Padding,
  axis: 0 | 1,
  size: number,
  kernel: number,
  stride: number,
): { size: number; before: number; after: number } {
  if (padding === "same") {
    const total = Math.max(kernel - stride, 0);
    const before = Math.floor(total / 2);
    return { size: size * stride, before, after: total - before };
  }
  if (padding === "valid") {
    return { size: size * stride + Math.max(kernel - stride, 0), before: 0, after: 0 };
  }
  const pad = padding[axis];
  return { size: (size - 1) * stride + kernel - 2 * pad, before: pad, after: pad };
}

export const transposedConv2d = defineLayer({
  type: "transposed_conv2d",
  summary: "Enlarges images: every pixel is spread over a window by trained filters.",
  inputs: "one",
  primary: "filters",
  fields: { filters: filtersField, ...convFields },
  shapes: "[n, h, w, c] → [n, h', w', filters]; padding same: h' = h·stride",
  example: "transposed_conv2d: { filters: 16, kernel: 3, stride: 2, padding: same }",

  lower(context) {
    const { b, x, fields, weight, reject } = context;
    const { filters, kernel, stride, dilation, padding, l1, l2 } = fields;
    const { height, width, channels } = imageSize(x, reject);
    const rows = axisOf(padding, 0, height, extent(kernel[0], dilation[0]), stride[0]);
    const columns = axisOf(padding, 1, width, extent(kernel[1], dilation[1]), stride[1]);
    if (rows.size < 1 || columns.size < 1) {
      reject(`its padding leaves nothing of an input of ${height}×${width}`, "padding");
    }
    const inputSize: Pair = [rows.size, columns.size];
    const pads: Pads = [rows.before, columns.before, rows.after, columns.after];
    const field = kernel[0] * kernel[1];
    const init = initOf(fields.kernel_initializer, channels * field, filters * field);
    // As a filter of the convolution that this one transposes: from `filters` to `channels`.
    const shape = [channels, filters, ...kernel];
    const filter = weight("kernel", shape, init, { decay: true, l1, l2 });
    const y = b.conv2dInputGrad(x, filter, {
      strides: stride,
      pads,
      dilations: dilation,
      groups: 1,
      layout: "NHWC",
      inputSize,
    });
    return finish(context, y, filters, fields);
  },
});
