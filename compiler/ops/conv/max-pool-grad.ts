/** @file Gradient of max pooling. */
import type { PoolOptions } from "@dlc/runtime";
import { shapeOf, type Value } from "../../ir/types.js";
import { type Builder, defineOp, type OpSample } from "../define-op.js";
import { allFloats, expectSameDtype, expectShape } from "../shared/expect.js";
import { poolSamples } from "../shared/pool-samples.js";
import { rounded } from "../shared/rounding.js";
import { visitWindows } from "../shared/taps.js";
import { count } from "../shared/walk.js";
import {
  expectImage,
  imageAxes,
  imageGeometry,
  imageShape,
  poolCounts,
} from "../shared/windows.js";

/**
 * For every window, the values of `image` where x reached the maximum y, summed.
 * A depthwise convolution with a one-hot filter reads one place of every window.
 */
function valuesAtMaximum(
  b: Builder,
  x: Value,
  y: Value,
  image: Value,
  options: PoolOptions,
): Value {
  const { kernel, strides, pads, layout } = options;
  const channels = shapeOf(x)[imageAxes(layout).channel] as number;
  const places = kernel[0] * kernel[1];
  const zero = b.constant({ dtype: "f32", shape: [], value: 0 });
  const parts = Array.from({ length: places }, (_, place) => {
    const value = Array.from({ length: channels * places }, (_, i) => Number(i % places === place));
    const filter = b.constant({ dtype: "f32", shape: [channels, 1, ...kernel], value });
    const read = (from: Value): Value =>
      b.conv2d(from, filter, {
        ...{ strides, pads, layout, dilations: [1, 1], groups: channels },
        activation: "none",
      });
    // Padding reads as 0 in x and in the image: where it ties with y it adds nothing.
    return b.select(b.equal(read(x), y), read(image), zero);
  });
  return parts.reduce((sum, part) => b.add(sum, part));
}

export const maxPool2dGrad = defineOp({
  kind: "maxPool2dGrad",
  summary: "Gradient of maxPool2d, given its input and its output.",
  inputs: ["x", "y", "dy"],
  infer: ([x, y, dy], attrs) => {
    const { batch, channels, size } = expectImage(x, attrs.layout, 0, "the input", allFloats);
    const shape = imageShape(attrs.layout, batch, channels, poolCounts(size, attrs));
    expectSameDtype(x, y, 1);
    expectShape(y, shape, 1, "the output");
    expectSameDtype(x, dy, 2);
    expectShape(dy, shape, 2, "the output's gradient");
    return [x];
  },
  // Linear in dy; towards x and y it is constant between its jumps.
  gradient: {
    backward: ({ b, inputs: [x, y], attrs, grad }) => [
      null,
      null,
      valuesAtMaximum(b, x, y, grad, attrs),
    ],
  },
  evaluate: ([x, y, dy], attrs) => {
    const from = imageGeometry(x.shape, attrs.layout);
    const data = new Float64Array(count(x.shape));
    visitWindows(from, imageGeometry(y.shape, attrs.layout), attrs, (elements, o) => {
      for (const i of elements) {
        if (x.data[i] === y.data[o]) data[i] = (data[i] as number) + (dy.data[o] as number);
      }
    });
    return [rounded(x.dtype, x.shape, data)];
  },
  samples: consistentSamples(),
});

/** Inputs with known maxima: x counts up in a scrambled order, so that y can be listed. */
function consistentSamples(): readonly OpSample[] {
  return poolSamples(({ x, y, options }) => {
    const batch = 3;
    const shape = x.map((dim) => (dim === "n" ? batch : dim));
    const size = count(shape);
    // Multiplying by a number without a common factor permutes 0 … size − 1.
    const values = Array.from({ length: size }, (_, i) => ((i * 131) % size) / 10 - 5);
    const results = y.map((dim) => (dim === "n" ? batch : dim));
    const maxima = new Array<number>(count(results)).fill(0);
    const to = imageGeometry(results, options.layout);
    visitWindows(imageGeometry(shape, options.layout), to, options, (elements, o) => {
      maxima[o] = Math.max(...elements.map((i) => values[i] as number));
    });
    return {
      inputs: [
        { shape: x, values, fixed: true },
        { shape: y, values: maxima, fixed: true },
        { shape: y },
      ],
      attrs: { ...options },
    };
  });
}
