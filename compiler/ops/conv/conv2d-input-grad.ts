/** @file Gradient of convolution towards its input; forwards, a transposed convolution. */
import type { Pair } from "@dlc/runtime";
import { shapeOf } from "../../ir/types.js";
import { defineOp, Rejection } from "../define-op.js";
import { convSamples } from "../shared/conv-samples.js";
import { allFloats, expectSameDtype } from "../shared/expect.js";
import { rounded } from "../shared/rounding.js";
import { visitTaps } from "../shared/taps.js";
import { count } from "../shared/walk.js";
import {
  convOptions,
  expectFilter,
  expectImage,
  expectWindows,
  imageGeometry,
  imageShape,
  windowCounts,
} from "../shared/windows.js";

export const conv2dInputGrad = defineOp({
  kind: "conv2dInputGrad",
  summary: "Gradient of conv2d towards its input; as a forward op, a transposed convolution.",
  inputs: ["dy", "filter"],
  infer: ([dy, filter], attrs) => {
    const image = expectImage(dy, attrs.layout, 0, "the input", allFloats);
    const { outputs, inputsPerGroup, kernel } = expectFilter(filter, attrs, null, 1);
    expectSameDtype(dy, filter, 1);
    if (image.channels !== outputs) {
      throw new Rejection(
        `the filter takes ${outputs} channels, but the input has ${image.channels}`,
        0,
      );
    }
    const counts = windowCounts(attrs.inputSize, kernel, attrs, attrs.dilations);
    expectWindows(image.size, counts, 0, "the input");
    const channels = inputsPerGroup * attrs.groups;
    return [
      { dtype: dy.dtype, shape: imageShape(attrs.layout, image.batch, channels, attrs.inputSize) },
    ];
  },
  // Linear in both: seen from dy it is the transpose of conv2d, whose transpose is conv2d.
  gradient: {
    backward: ({ b, inputs: [dy, filter], attrs, grad }) => {
      const options = convOptions(attrs);
      const kernelSize = shapeOf(filter).slice(2) as unknown as Pair;
      return [
        b.conv2d(grad, filter, { ...options, activation: "none" }),
        b.conv2dFilterGrad(grad, dy, { ...options, kernelSize }),
      ];
    },
  },
  evaluate: ([dy, filter], attrs) => {
    const y = imageGeometry(dy.shape, attrs.layout);
    const [, perGroup, ...kernel] = filter.shape as [number, number, number, number];
    const shape = imageShape(attrs.layout, y.batch, perGroup * attrs.groups, attrs.inputSize);
    const data = new Float64Array(count(shape));
    visitTaps(imageGeometry(shape, attrs.layout), y, kernel, attrs, (i, k, o) => {
      data[i] = (data[i] as number) + (dy.data[o] as number) * (filter.data[k] as number);
    });
    return [rounded(dy.dtype, shape, data)];
  },
  samples: convSamples(({ y, filter, size, options }) => ({
    inputs: [{ shape: y }, { shape: filter }],
    attrs: { ...options, inputSize: size },
  })),
});
