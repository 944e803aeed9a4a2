/** @file Average pooling. */
import { shapeOf } from "../../ir/types.js";
import { defineOp } from "../define-op.js";
import { avgPoolOptions, divisor, divisors, summingConv } from "../shared/avg-pool.js";
import { poolSamples } from "../shared/pool-samples.js";
import { visitWindows } from "../shared/taps.js";
import { count } from "../shared/walk.js";
import {
  expectImage,
  imageAxes,
  imageGeometry,
  imageShape,
  poolCounts,
} from "../shared/windows.js";

export const avgPool2d = defineOp({
  kind: "avgPool2d",
  summary: "Mean of each window, with or without its part in the padding.",
  inputs: ["x"],
  infer: ([x], attrs) => {
    const { batch, channels, size } = expectImage(x, attrs.layout, 0, "the input");
    const counts = poolCounts(size, attrs);
    return [{ dtype: "f32", shape: imageShape(attrs.layout, batch, channels, counts) }];
  },
  gradient: {
    backward: ({ b, inputs: [x], attrs, grad }) => {
      const { height, width } = imageAxes(attrs.layout);
      const inputSize = [shapeOf(x)[height], shapeOf(x)[width]] as [number, number];
      return [b.avgPool2dGrad(grad, { ...avgPoolOptions(attrs), inputSize })];
    },
  },
  expand: (b, [x], attrs) => {
    const { height, width } = imageAxes(attrs.layout);
    const size = [shapeOf(x)[height], shapeOf(x)[width]] as [number, number];
    const { filter, options } = summingConv(b, x, attrs);
    const sums = b.conv2d(x, filter, { ...options, activation: "none" });
    return [b.div(sums, divisors(b, size, attrs))];
  },
  evaluate: ([x], attrs) => {
    const from = imageGeometry(x.shape, attrs.layout);
    const counts = poolCounts(from.size, attrs);
    const shape = imageShape(attrs.layout, from.batch, from.channels, counts);
    const data = new Float64Array(count(shape));
    visitWindows(from, imageGeometry(shape, attrs.layout), attrs, (elements, o) => {
      const total = elements.reduce((sum, i) => sum + (x.data[i] as number), 0);
      data[o] = total / divisor(attrs, elements.length);
    });
    return [{ dtype: "f32", shape, data }];
  },
  samples: [true, false].flatMap((countPadding) =>
    poolSamples(({ x, options }) => ({
      inputs: [{ shape: x }],
      attrs: { ...options, countPadding },
    })),
  ),
});
