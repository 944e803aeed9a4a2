/** @file Local response normalisation (Krizhevsky, Sutskever & Hinton 2012, section 3.3). */
import type { Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import { defineLayer } from "../define-layer.js";
import { number, positiveInteger } from "../fields.js";
import { imageSize, scalar } from "../shared.js";

/**
 * `[channels, channels, 1, 1]`: the 1×1 filter that sums the `size` channels around each channel. It is
 * built by comparing indices, so that wide layers do not put channels² numbers into the program.
 */
function band(b: Builder, channels: number, size: number): Value {
  const indices = Array.from({ length: channels }, (_, i) => i);
  const to = b.constant({ dtype: "f32", shape: [channels, 1], value: indices });
  const from = b.constant({ dtype: "f32", shape: [1, channels], value: indices });
  const distance = b.sub(from, to);
  const inside = b.logicalAnd(
    b.greaterEqual(distance, scalar(b, -Math.floor(size / 2))),
    b.lessEqual(distance, scalar(b, Math.floor((size - 1) / 2))),
  );
  return b.reshape(b.cast(inside, { dtype: "f32" }), { shape: [channels, channels, 1, 1] });
}

export const localResponseNorm = defineLayer({
  type: "local_response_norm",
  summary:
    "Divides every channel by (k + alpha·Σ x²)^beta, where the sum runs over the channels around it at the same pixel (Krizhevsky et al. 2012).",
  inputs: "one",
  primary: "size",
  fields: {
    size: positiveInteger(
      "How many neighbouring channels are summed, itself among them; beyond the first and last channel there is nothing.",
      5,
    ),
    alpha: number(
      "Factor of the sum, as in the paper. PyTorch and Caffe divide theirs by size: alpha: 2e-5 here is alpha=1e-4 there with size 5.",
      { minimum: 0 },
      1e-4,
    ),
    beta: number("Exponent.", { minimum: 0 }, 0.75),
    k: number("Keeps the divisor away from 0. PyTorch's default is 1.", { exclusiveMinimum: 0 }, 2),
  },
  shapes: "[n, h, w, c] → [n, h, w, c]",
  example: "local_response_norm: { size: 5, alpha: 1e-4, beta: 0.75, k: 2 }",

  lower({ b, x, fields: { size, alpha, beta, k }, reject }) {
    const { channels } = imageSize(x, reject);
    const sums = b.conv2d(b.square(x), band(b, channels, size), {
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      dilations: [1, 1],
      groups: 1,
      layout: "NHWC",
      activation: "none",
    });
    const base = b.add(b.mul(sums, scalar(b, alpha)), scalar(b, k));
    return b.mul(x, b.pow(base, scalar(b, -beta)));
  },
});
