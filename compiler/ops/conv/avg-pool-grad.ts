/** @file Gradient of average pooling. */
import { defineOp } from "../define-op.js";
import { avgPoolOptions, divisor, divisors, summingConv } from "../shared/avg-pool.js";
import { poolSamples } from "../shared/pool-samples.js";
import { visitWindows } from "../shared/taps.js";
import { count } from "../shared/walk.js";
import {
  expectImage,
  expectWindows,
  imageGeometry,
  imageShape,
  poolCounts,
} from "../shared/windows.js";

export const avgPool2dGrad = defineOp({
  kind: "avgPool2dGrad",
  summary: "Gradient of avgPool2d: every window spreads its value over its elements.",
  inputs: ["dy"],
  infer: ([dy], attrs) => {
    const { batch, channels, size } = expectImage(dy, attrs.layout, 0, "the output's gradient");
    expectWindows(size, poolCounts(attrs.inputSize, attrs), 0, "the output's gradient");
    const shape = imageShape(attrs.layout, batch, channels, attrs.inputSize);
    return [{ dtype: "f32", shape }];
  },
  gradient: { backward: ({ b, attrs, grad }) => [b.avgPool2d(grad, avgPoolOptions(attrs))] },
  expand: (b, [dy], attrs) => {
    const { filter, options } = summingConv(b, dy, attrs);
    const shares = b.div(dy, divisors(b, attrs.inputSize, attrs));
    return [b.conv2dInputGrad(shares, filter, { ...options, inputSize: attrs.inputSize })];
  },
  evaluate: ([dy], attrs) => {
    const to = imageGeometry(dy.shape, attrs.layout);
    const shape = imageShape(attrs.layout, to.batch, to.channels, attrs.inputSize);
    const data = new Float64Array(count(shape));
    visitWindows(imageGeometry(shape, attrs.layout), to, attrs, (elements, o) => {
      const share = (dy.data[o] as number) / divisor(attrs, elements.length);
      for (const i of elements) data[i] = (data[i] as number) + share;
    });
    return [{ dtype: "f32", shape, data }];
  },
  samples: [true, false].flatMap((countPadding) =>
    poolSamples(({ y, size, options }) => ({
      inputs: [{ shape: y }],
      attrs: { ...options, countPadding, inputSize: size },
    })),
  ),
});
