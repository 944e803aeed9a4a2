/** @file Gradient of convolution towards its filter. */
import { shapeOf } from "../../ir/types.js";
import { defineOp, Rejection } from "../define-op.js";
import { convSamples } from "../shared/conv-samples.js";
import { allFloats, expectSameDtype } from "../shared/expect.js";
import { rounded } from "../shared/rounding.js";
import { visitTaps } from "../shared/taps.js";
import { count } from "../shared/walk.js";
import {
  convOptions,
  expectGroups,
  expectImage,
  expectWindows,
  imageAxes,
  imageGeometry,
  windowCounts,
} from "../shared/windows.js";

export const conv2dFilterGrad = defineOp({
  kind: "conv2dFilterGrad",
  summary: "Gradient of conv2d towards its filter.",
  inputs: ["x", "dy"],
  infer: ([x, dy], attrs) => {
    const image = expectImage(x, attrs.layout, 0, "the input", allFloats);
    const output = expectImage(dy, attrs.layout, 1, "the output's gradient", allFloats);
    expectSameDtype(x, dy, 1);
    expectGroups(attrs.groups, image.channels, output.channels);
    const counts = windowCounts(image.size, attrs.kernelSize, attrs, attrs.dilations);
    expectWindows(output.size, counts, 1, "the output's gradient");
    if (image.batch !== output.batch) {
      throw new Rejection(`the batches ${image.batch} and ${output.batch} differ`, 1);
    }
    const filter = [output.channels, image.channels / attrs.groups, ...attrs.kernelSize];
    return [{ dtype: x.dtype, shape: filter }];
  },
  // Linear in both: what it is to conv2d, conv2d and conv2dInputGrad are to it.
  gradient: {
    backward: ({ b, inputs: [x, dy], attrs, grad }) => {
      const options = convOptions(attrs);
      const { height, width } = imageAxes(attrs.layout);
      const inputSize = [shapeOf(x)[height], shapeOf(x)[width]] as [number, number];
      return [
        b.conv2dInputGrad(dy, grad, { ...options, inputSize }),
        b.conv2d(x, grad, { ...options, activation: "none" }),
      ];
    },
  },
  evaluate: ([x, dy], attrs) => {
    const from = imageGeometry(x.shape, attrs.layout);
    const to = imageGeometry(dy.shape, attrs.layout);
    const shape = [to.channels, from.channels / attrs.groups, ...attrs.kernelSize];
    const data = new Float64Array(count(shape));
    visitTaps(from, to, attrs.kernelSize, attrs, (i, k, o) => {
      data[k] = (data[k] as number) + (x.data[i] as number) * (dy.data[o] as number);
    });
    return [rounded(x.dtype, shape, data)];
  },
  samples: convSamples(({ x, y, kernel, options }) => ({
    inputs: [{ shape: x }, { shape: y }],
    attrs: { ...options, kernelSize: kernel },
  })),
});
