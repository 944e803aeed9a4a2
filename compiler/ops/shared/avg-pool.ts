/** @file What average pooling and its gradient share. */
import type { AvgPoolOptions, Pair } from "@dlc/runtime";
import { shapeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../define-op.js";
import { number } from "./gradients.js";
import { visitWindows } from "./taps.js";
import { imageAxes, imageGeometry, imageShape, poolCounts, poolOptions } from "./windows.js";

export const avgPoolOptions = (attrs: AvgPoolOptions): AvgPoolOptions => ({
  ...poolOptions(attrs),
  countPadding: attrs.countPadding,
});

/** What a window's sum is divided by, from the number of its elements inside the image. */
export const divisor = ({ kernel, countPadding }: AvgPoolOptions, inside: number): number =>
  countPadding ? kernel[0] * kernel[1] : inside;

/** The divisors of all windows, to broadcast against the pooled image. */
export function divisors(b: Builder, size: Pair, options: AvgPoolOptions): Value {
  if (options.countPadding) return number(b, options.kernel[0] * options.kernel[1]);
  const counts = poolCounts(size, options);
  const value = new Array<number>(counts[0] * counts[1]).fill(0);
  const shape = imageShape(options.layout, 1, 1, counts);
  const from = imageGeometry(imageShape(options.layout, 1, 1, size), options.layout);
  visitWindows(from, imageGeometry(shape, options.layout), options, (elements, o) => {
    value[o] = elements.length;
  });
  return b.constant({ dtype: "f32", shape, value });
}

/** A filter of ones per channel, with which a depthwise convolution sums windows. */
export function summingConv(b: Builder, image: Value, options: AvgPoolOptions) {
  const channels = shapeOf(image)[imageAxes(options.layout).channel] as number;
  const { kernel, strides, pads, layout } = options;
  return {
    filter: b.constant({ dtype: "f32", shape: [channels, 1, ...kernel], value: 1 }),
    options: { strides, pads, layout, dilations: [1, 1], groups: channels },
  } as const;
}
