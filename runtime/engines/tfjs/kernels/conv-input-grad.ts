/** @file The gradient of a convolution towards its input. */
import type { Pads, Pair } from "../../../ops.js";
import { reach } from "../../geometry.js";
import type { Backend } from "../backend.js";
import type { Tensor } from "../value.js";
import { correlate, depthwiseFilter, type Geometry, spread, unit } from "./correlate.js";
import { explicit, frame, sizesOf } from "./layout.js";

/** The convolution of dy, with zeros between its pixels, that gives the input gradient. */
function towardsInput(
  b: Backend,
  kernel: "Conv2D" | "DepthwiseConv2dNative",
  dy: Tensor,
  filter: Tensor,
  { strides, pads, dilations }: Geometry,
  inputSize: Pair,
): Tensor {
  // As if the stride had been 1.
  const image = unit(strides) ? dy : spread(b, dy, strides);
  const [, h, w] = sizesOf(image);
  const [kh, kw] = sizesOf(filter);
  const spans = [reach(kh, dilations[0]) - 1, reach(kw, dilations[1]) - 1] as const;
  const before = [spans[0] - pads[0], spans[1] - pads[1]] as const;
  const sides: Pads = [
    before[0],
    before[1],
    inputSize[0] + spans[0] - h - before[0],
    inputSize[1] + spans[1] - w - before[1],
  ];
  const cut = sides.some((side) => side < 0);
  return correlate(b, kernel, cut ? frame(b.tf, image, sides) : image, filter, {
    strides: [1, 1],
    pads: cut ? [0, 0, 0, 0] : sides,
    dilations,
  });
}

/** The input gradient of one group; filter [o, i, kh, kw]. */
export function inputGradient(
  b: Backend,
  dy: Tensor,
  filter: Tensor,
  geometry: Geometry,
  inputSize: Pair,
): Tensor {
  const { tf } = b;
  const { strides, dilations, pads } = geometry;
  if (!unit(strides) && unit(dilations) && b.ways.stridedInputGrad === "kernel") {
    const [n] = sizesOf(dy);
    return b.kernel(
      "Conv2DBackpropInput",
      { dy, filter: tf.transpose(filter, [2, 3, 1, 0]) },
      {
        strides: [...strides],
        pad: explicit(pads),
        dataFormat: "NHWC",
        inputShape: [n, ...inputSize, filter.shape[1] as number],
      },
    );
  }
  const turned = tf.transpose(tf.reverse(filter, [2, 3]), [2, 3, 0, 1]);
  return towardsInput(b, "Conv2D", dy, turned, geometry, inputSize);
}

/** The input gradient of a depthwise convolution; filter [c·m, 1, kh, kw]. */
export function depthwiseInputGradient(
  b: Backend,
  dy: Tensor,
  filter: Tensor,
  geometry: Geometry,
  inputSize: Pair,
  channels: number,
): Tensor {
  const { tf } = b;
  const { strides, dilations, pads } = geometry;
  const [n, h, w, o] = sizesOf(dy);
  if (unit(dilations) && b.ways.depthwiseInputGrad === "kernel") {
    return b.kernel(
      "DepthwiseConv2dNativeBackpropInput",
      { dy, filter: depthwiseFilter(b, filter, channels) },
      {
        strides: [...strides],
        pad: explicit(pads),
        dilations: [1, 1],
        inputShape: [n, ...inputSize, channels],
      },
    );
  }
  const turned = depthwiseFilter(b, tf.reverse(filter, [2, 3]), channels);
  const [kh, kw] = sizesOf(turned);
  const multiplier = o / channels;
  const byChannel = tf.reshape(dy, [n * h * w, channels, multiplier]);
  const parts = Array.from({ length: multiplier }, (_, m) => {
    const image = tf.reshape(tf.slice(byChannel, [0, 0, m], [n * h * w, channels, 1]), [
      n,
      h,
      w,
      channels,
    ]);
    const taps = tf.slice(turned, [0, 0, 0, m], [kh, kw, channels, 1]);
    return towardsInput(b, "DepthwiseConv2dNative", image, taps, geometry, inputSize);
  });
  return parts.reduce((sum, part) => tf.add(sum, part));
}
