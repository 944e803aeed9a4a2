/** @file Max pooling. */
import { defineOp } from "../define-op.js";
import { allFloats } from "../shared/expect.js";
import { poolSamples } from "../shared/pool-samples.js";
import { visitWindows } from "../shared/taps.js";
import { count } from "../shared/walk.js";
import {
  expectImage,
  imageGeometry,
  imageShape,
  poolCounts,
  poolOptions,
} from "../shared/windows.js";

export const maxPool2d = defineOp({
  kind: "maxPool2d",
  summary: "Largest value of each window; padding never wins.",
  inputs: ["x"],
  infer: ([x], attrs) => {
    const { batch, channels, size } = expectImage(x, attrs.layout, 0, "the input", allFloats);
    const counts = poolCounts(size, attrs);
    return [{ dtype: x.dtype, shape: imageShape(attrs.layout, batch, channels, counts) }];
  },
  gradient: {
    backward: ({ b, inputs: [x], outputs: [y], attrs, grad }) => [
      b.maxPool2dGrad(x, y, grad, poolOptions(attrs)),
    ],
  },
  evaluate: ([x], attrs) => {
    const from = imageGeometry(x.shape, attrs.layout);
    const counts = poolCounts(from.size, attrs);
    const shape = imageShape(attrs.layout, from.batch, from.channels, counts);
    const data = new Float64Array(count(shape));
    visitWindows(from, imageGeometry(shape, attrs.layout), attrs, (elements, o) => {
      data[o] = Math.max(...elements.map((i) => x.data[i] as number));
    });
    return [{ dtype: x.dtype, shape, data }];
  },
  samples: [
    ...poolSamples(({ x, options }) => ({
      inputs: [{ shape: x, distinct: true }],
      attrs: { ...options },
    })),
    // Padding must not win over negative values.
    ...poolSamples(({ x, options }) => ({
      inputs: [{ shape: x, distinct: true, range: [-3, -1] }],
      attrs: { ...options },
    })).slice(1, 2),
  ],
});
