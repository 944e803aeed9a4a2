/** @file Convolutions: forward and towards the input. The filter gradient has its own file. */
import type { ConvOptions, Ops, Pads, Pair } from "../../../ops.js";
import type { Backend } from "../backend.js";
import type { Tensor, Value } from "../value.js";
import { filterGradient } from "./conv-filter-grad.js";
import { activate } from "./elementwise.js";
import { explicit, frame, fromNhwc, sizesOf, toNhwc } from "./layout.js";

export type Geometry = Pick<ConvOptions, "strides" | "pads" | "dilations">;

/** Rows that a kernel with gaps covers. */
const reach = (size: number, dilation: number): number => (size - 1) * dilation + 1;

const unit = ([a, b]: Pair): boolean => a === 1 && b === 1;

/** The filter with its gaps filled by zeros, for kernels that take strides or gaps, not both. */
function widened(b: Backend, filter: Tensor, [dh, dw]: Pair): Tensor {
  const [kh, kw, i, o] = sizesOf(filter);
  const image = b.tf.reshape(filter, [1, kh, kw, i * o]);
  const wide = frame(b.tf, spread(b, image, [dh, dw]), [0, 0, 1 - dh, 1 - dw]);
  return b.tf.reshape(wide, [reach(kh, dh), reach(kw, dw), i, o]);
}

/** An image with zeros between its rows and columns, and after the last ones. */
function spread({ tf }: Backend, image: Tensor, [sh, sw]: Pair): Tensor {
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
function correlate(
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
function inputGradient(
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

/** A depthwise filter [c·m, 1, kh, kw] as kernels take it, [kh, kw, c, m]. */
function depthwiseFilter({ tf }: Backend, filter: Tensor, channels: number): Tensor {
  const [o, , kh, kw] = filter.shape as [number, number, number, number];
  return tf.transpose(tf.reshape(filter, [channels, o / channels, kh, kw]), [2, 3, 0, 1]);
}

/** The input gradient of a depthwise convolution; filter [c·m, 1, kh, kw]. */
function depthwiseInputGradient(
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

/** Computes each group by itself: `parts` are split along the given axis; results join as channels. */
function inGroups(
  { tf }: Backend,
  groups: number,
  parts: readonly (readonly [tensor: Tensor, axis: number])[],
  compute: (...tensors: Tensor[]) => Tensor,
  axis: number,
): Tensor {
  if (groups === 1) return compute(...parts.map(([tensor]) => tensor));
  const split = parts.map(([tensor, at]) => tf.split(tensor, groups, at));
  const results = Array.from({ length: groups }, (_, g) =>
    compute(...split.map((tensors) => tensors[g] as Tensor)),
  );
  return tf.concat(results, axis);
}

const isDepthwise = (groups: number, perGroup: number): boolean => groups > 1 && perGroup === 1;

export function convOps(
  b: Backend,
): Pick<Ops<Value>, "conv2d" | "conv2dInputGrad" | "conv2dFilterGrad"> {
  const { tf } = b;

  function forward(x: Tensor, filter: Tensor, options: ConvOptions): Tensor {
    const { groups } = options;
    if (isDepthwise(groups, filter.shape[1] as number)) {
      const weights = depthwiseFilter(b, filter, groups);
      return correlate(b, "DepthwiseConv2dNative", x, weights, options);
    }
    return inGroups(
      b,
      groups,
      [
        [x, 3],
        [filter, 0],
      ],
      (image, weights) =>
        correlate(b, "Conv2D", image, tf.transpose(weights, [2, 3, 1, 0]), options),
      3,
    );
  }

  return {
    conv2d(x, filter, options) {
      const { layout, bias, activation } = options;
      const y = forward(toNhwc(x, layout), filter.plain(), options);
      const biased = bias === undefined ? y : tf.add(y, bias.plain());
      return fromNhwc(b, activate(tf, biased, activation), layout);
    },

    conv2dInputGrad(dyValue, filterValue, options) {
      const { layout, groups, inputSize } = options;
      const [dy, filter] = [toNhwc(dyValue, layout), filterValue.plain()];
      const dx = isDepthwise(groups, filter.shape[1] as number)
        ? depthwiseInputGradient(b, dy, filter, options, inputSize, groups)
        : inGroups(
            b,
            groups,
            [
              [dy, 3],
              [filter, 0],
            ],
            (part, weights) => inputGradient(b, part, weights, options, inputSize),
            3,
          );
      return fromNhwc(b, dx, layout);
    },

    conv2dFilterGrad(xValue, dyValue, options) {
      const { layout, groups, kernelSize } = options;
      const [x, dy] = [toNhwc(xValue, layout), toNhwc(dyValue, layout)];
      const depthwise = isDepthwise(groups, (x.shape[3] as number) / groups);
      const gradient = filterGradient(b, kernelSize, options, depthwise);
      const dw = depthwise
        ? gradient(x, dy)
        : inGroups(
            b,
            groups,
            [
              [x, 3],
              [dy, 3],
            ],
            gradient,
            0,
          );
      return b.plain("f32", dw);
    },
  };
}
