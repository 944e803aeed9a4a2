/** @file Two-dimensional convolution. */
import type { Pair } from "@dlc/runtime";
import { shapeOf, type Value } from "../../ir/types.js";
import { type AttrsOf, defineOp, type ReferenceTensor } from "../define-op.js";
import { convSamples } from "../shared/conv-samples.js";
import { allFloats, expectSameDtype, expectShape } from "../shared/expect.js";
import { fusedActivations } from "../shared/fused.js";
import { otherAxes, perChannel } from "../shared/gradients.js";
import { rounded } from "../shared/rounding.js";
import { visitTaps } from "../shared/taps.js";
import { count } from "../shared/walk.js";
import {
  convOptions,
  expectFilter,
  expectImage,
  imageAxes,
  imageGeometry,
  imageShape,
  windowCounts,
} from "../shared/windows.js";

const spatial = (shape: readonly unknown[], axes: { height: number; width: number }): Pair =>
  [shape[axes.height], shape[axes.width]] as [number, number];

function convolve(
  x: ReferenceTensor,
  filter: ReferenceTensor,
  attrs: AttrsOf<"conv2d">,
): ReferenceTensor {
  const from = imageGeometry(x.shape, attrs.layout);
  const [outputs, , ...kernel] = filter.shape as [number, number, number, number];
  const size = windowCounts(from.size, kernel, attrs, attrs.dilations);
  const shape = imageShape(attrs.layout, from.batch, outputs, size);
  const data = new Float64Array(count(shape));
  visitTaps(from, imageGeometry(shape, attrs.layout), kernel, attrs, (i, k, o) => {
    data[o] = (data[o] as number) + (x.data[i] as number) * (filter.data[k] as number);
  });
  return { dtype: x.dtype, shape, data };
}

export const conv2d = defineOp({
  kind: "conv2d",
  summary: "Cross-correlation of images, plus a bias and an activation where given.",
  inputs: ["x", "filter"],
  optional: ["bias"],
  infer: ([x, filter, bias], attrs, optional) => {
    const image = expectImage(x, attrs.layout, 0, "the input", allFloats);
    const { outputs, kernel } = expectFilter(filter, attrs, image.channels, 1);
    expectSameDtype(x, filter, 1);
    const size = windowCounts(image.size, kernel, attrs, attrs.dilations);
    if (optional.includes("bias")) {
      expectSameDtype(x, bias, 2);
      expectShape(bias, [outputs], 2, "the bias");
    }
    return [{ dtype: x.dtype, shape: imageShape(attrs.layout, image.batch, outputs, size) }];
  },
  gradient: {
    backward: ({ b, inputs: [x, filter], attrs, optional, outputs: [y], grad }) => {
      const before = fusedActivations[attrs.activation].gradient(b, y, grad);
      const options = convOptions(attrs);
      const axes = imageAxes(attrs.layout);
      const inputSize = spatial(shapeOf(x), axes);
      const kernelSize = spatial(shapeOf(filter), { height: 2, width: 3 });
      const gradients: Value[] = [
        b.conv2dInputGrad(before, filter, { ...options, inputSize }),
        b.conv2dFilterGrad(x, before, { ...options, kernelSize }),
      ];
      if (optional.includes("bias")) {
        gradients.push(b.sum(before, { axes: otherAxes(before, axes.channel), keepDims: false }));
      }
      return gradients;
    },
  },
  expand: (b, [x, filter, bias], attrs, optional) => {
    const bare = b.conv2d(x, filter, { ...convOptions(attrs), activation: "none" });
    const sum = optional.includes("bias")
      ? b.add(bare, perChannel(b, bias, bare, imageAxes(attrs.layout).channel))
      : bare;
    return [fusedActivations[attrs.activation].apply(b, sum)];
  },
  evaluate: ([x, filter, bias], attrs, optional) => {
    const y = convolve(x, filter, attrs);
    const geometry = imageGeometry(y.shape, attrs.layout);
    const channelOf = (i: number): number =>
      Math.floor(i / geometry.stride.channel) % geometry.channels;
    const added = (i: number): number =>
      optional.includes("bias") ? (bias.data[channelOf(i)] as number) : 0;
    const activate = fusedActivations[attrs.activation].evaluate;
    const data = y.data.map((v, i) => activate(v + added(i)));
    return [rounded(x.dtype, y.shape, data)];
  },
  samples: [
    ...convSamples(({ x, filter, options }) => ({
      inputs: [{ shape: x }, { shape: filter }],
      attrs: { ...options, activation: "none" },
    })),
    ...(["none", "relu", "sigmoid", "tanh"] as const).flatMap((activation) =>
      convSamples(({ x, filter, options }) => ({
        inputs: [{ shape: x }, { shape: filter }],
        optional: { bias: { shape: filter.slice(0, 1) } },
        attrs: { ...options, activation },
      })).filter((_, i) => i % 6 === 1),
    ),
    ...convSamples(({ x, filter, options }) => ({
      inputs: [{ shape: x }, { shape: filter }],
      attrs: { ...options, activation: "tanh" },
    })).slice(0, 1),
  ],
});
