/** @file Convolution kernels, and images and filters with zeros in between. */
import type { ConvOptions, Pair } from "../../../ops.js";
import { reach } from "../../geometry.js";
import type { Backend } from "../backend.js";
import type { Tensor } from "../value.js";
import { explicit, frame, sizesOf } from "./layout.js";

export type Geometry = Pick<ConvOptions, "strides" | "pads" | "dilations">;

export const unit = ([a, b]: Pair): boolean => a === 1 && b === 1;

/** The filter with its gaps filled by zeros, for kernels that take strides or gaps, not both. */
function widened(b: Backend, filter: Tensor, [dh, dw]: Pair): Tensor {
  const [kh, kw, i, o] = sizesOf(filter);
  const image = b.tf.reshape(filter, [1, kh, kw, i * o]);
  const wide = frame(b.tf, spread(b, image, [dh, dw]), [0, 0, 1 - dh, 1 - dw]);
  return b.tf.reshape(wide, [reach(kh, dh), reach(kw, dw), i, o]);
}

/** An image with zeros between its rows and columns, and after the last ones. */
export function spread({ tf }: Backend, image: Tensor, [sh, sw]: Pair): Tensor {
  const [n, h, w, c] = sizesOf(image);
  const tall = tf.pad(tf.reshape(image, [n * h, 1, w * c]), [
    [0, 0],
    [0, sh - 1],
    [0, 0],
  ]);
  const wide = tf.pad(tf.reshape(tall, [n * h * sh * w, 1, c]), [
    [0, 0],
    [0, sw - 1],
    [0, 0],
  ]);
  return tf.reshape(wide, [n, h * sh, w * sw, c]);
}

/** Cross-correlation of an image [n, h, w, i] with a filter [kh, kw, i, o], or [kh, kw, i, per channel]. */
export function correlate(
  b: Backend,
  kernel: "Conv2D" | "DepthwiseConv2dNative",
  x: Tensor,
  filter: Tensor,
  { strides, pads, dilations }: Geometry,
): Tensor {
  const both = !unit(strides) && !unit(dilations);
  return b.kernel(
    kernel,
    { x, filter: both ? widened(b, filter, dilations) : filter },
    {
      strides: [...strides],
      pad: explicit(pads),
      dataFormat: "NHWC",
      dilations: both ? [1, 1] : [...dilations],
    },
  );
}

/** A depthwise filter [c·m, 1, kh, kw] as kernels take it, [kh, kw, c, m]. */
export function depthwiseFilter({ tf }: Backend, filter: Tensor, channels: number): Tensor {
  const [o, , kh, kw] = filter.shape as [number, number, number, number];
  return tf.transpose(tf.reshape(filter, [channels, o / channels, kh, kw]), [2, 3, 0, 1]);
}
