/** @file Pooling and nearest-neighbour resizing. */
import type { AvgPoolOptions, Layout, Ops, Pair, PoolOptions } from "../../../ops.js";
import { dim, windowShares } from "../../geometry.js";
import type { PoolOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Attribute } from "../graph-def.js";
import { channelsLast, type Primitives } from "../primitives.js";

/** The image as NHWC. */
export const inner = (p: Primitives, x: Handle, layout: Layout): Handle =>
  layout === "NCHW" ? p.as(x, channelsLast) : x;
/** An NHWC image as the program has it. */
export const outer = (p: Primitives, x: Handle, layout: Layout): Handle =>
  layout === "NCHW" ? p.from(x, channelsLast) : x;

/** Smaller than every number of an image, so that padding never wins. */
const lowest = -3.4028234663852886e38;

export function poolOps(p: Primitives): Pick<Ops<Handle>, PoolOp> {
  const attributesOf = ({ kernel, strides }: PoolOptions): Record<string, Attribute> => ({
    ksize: { ints: [1, ...kernel, 1] },
    strides: { ints: [1, ...strides, 1] },
    padding: { string: "VALID" },
    data_format: { string: "NHWC" },
  });
  const before = ({ pads }: PoolOptions): number[] => [0, pads[0], pads[1], 0];
  const padded = (x: Handle, options: PoolOptions, value: number): Handle =>
    p.pad(x, before(options), [0, options.pads[2], options.pads[3], 0], value);
  /** Without the padding. */
  const cropped = (x: Handle, like: readonly number[], options: PoolOptions): Handle =>
    p.slice(x, before(options), like);
  function pooledShape({ shape }: Handle, { kernel, strides }: PoolOptions): number[] {
    const rows = (axis: 0 | 1): number =>
      Math.floor((dim(shape, 1 + axis) - kernel[axis]) / strides[axis]) + 1;
    return [dim(shape, 0), rows(0), rows(1), dim(shape, 3)];
  }
  /** From the mean over whole windows to that over their pixels inside the image. */
  function weights(size: Pair, output: Pair, options: AvgPoolOptions): Handle | null {
    if (options.countPadding || options.pads.every((n) => n === 0)) return null;
    return p.constant("f32", [1, ...output, 1], windowShares(size, output, options));
  }
  const imageSize = ({ shape }: Handle): Pair => [dim(shape, 1), dim(shape, 2)];

  return {
    maxPool2d(x, options) {
      const image = padded(inner(p, x, options.layout), options, lowest);
      const y = p.typed("MaxPool", [image], pooledShape(image, options), attributesOf(options));
      return outer(p, y, options.layout);
    },
    maxPool2dGrad(x, y, dy, options) {
      const image = inner(p, x, options.layout);
      const whole = padded(image, options, lowest);
      const [yc, dyc] = [inner(p, y, options.layout), inner(p, dy, options.layout)];
      const dx = p.typed("MaxPoolGrad", [whole, yc, dyc], whole.shape, attributesOf(options));
      return outer(p, cropped(dx, image.shape, options), options.layout);
    },
    avgPool2d(x, options) {
      const image = inner(p, x, options.layout);
      const whole = padded(image, options, 0);
      const y = p.typed("AvgPool", [whole], pooledShape(whole, options), attributesOf(options));
      const factors = weights(imageSize(image), imageSize(y), options);
      return outer(p, factors === null ? y : p.mul(y, factors), options.layout);
    },
    avgPool2dGrad(dy, options) {
      const grad = inner(p, dy, options.layout);
      const { inputSize, pads } = options;
      const factors = weights(inputSize, imageSize(grad), options);
      const shares = factors === null ? grad : p.mul(grad, factors);
      const [n, c] = [dim(grad.shape, 0), dim(grad.shape, 3)];
      const whole = [n, inputSize[0] + pads[0] + pads[2], inputSize[1] + pads[1] + pads[3], c];
      const dx = p.node(
        "AvgPoolGrad",
        [p.ints(whole), shares],
        whole,
        { T: { type: shares.dtype }, ...attributesOf(options) },
        shares.dtype,
      );
      return outer(p, cropped(dx, [n, ...inputSize, c], options), options.layout);
    },
    resizeNearest(x, { scale, layout }) {
      const image = inner(p, x, layout);
      const [n, h, w, c] = image.shape as [number, number, number, number];
      const size = [h * scale[0], w * scale[1]];
      const y = p.typed("ResizeNearestNeighbor", [image, p.ints(size)], [n, ...size, c], {
        align_corners: { bool: false },
        half_pixel_centers: { bool: false },
      });
      return outer(p, y, layout);
    },
  };
}
