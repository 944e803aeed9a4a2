/** @file Batch normalisation with given statistics (Ioffe & Szegedy 2015). */
import type { Value } from "../../ir/types.js";
import { defineOp } from "../define-op.js";
import { perChannel, scale as times } from "../shared/gradients.js";
import {
  channelOf,
  channelShape,
  channelSum,
  inverseDeviation,
  normalised,
  normSamples,
} from "../shared/norm.js";

export const batchNorm = defineOp({
  kind: "batchNorm",
  summary: "(x − mean) / √(variance + epsilon) · scale + offset, per channel.",
  inputs: ["x", "scale", "offset", "mean", "variance"],
  infer: ([x, scale, offset, mean, variance], attrs) => {
    const vectors = { scale: [scale, 1], offset: [offset, 2], mean: [mean, 3] } as const;
    channelShape(x, { ...vectors, variance: [variance, 4] }, attrs);
    return [x];
  },
  gradient: {
    backward: ({ b, inputs: [x, scale, , mean, variance], attrs, grad }) => {
      const inverse = inverseDeviation(b, variance, attrs);
      const centred = normalised(b, x, mean, inverse, attrs);
      const slope = b.mul(scale, inverse);
      const total = channelSum(b, grad, attrs);
      const aligned = channelSum(b, b.mul(grad, centred), attrs);
      // d inverse / d variance = −inverse³ / 2
      const dVariance = times(b, b.mul(aligned, b.mul(slope, inverse)), -0.5);
      const dx: Value = b.mul(grad, perChannel(b, slope, x, attrs.axis));
      return [dx, aligned, total, b.neg(b.mul(total, slope)), dVariance];
    },
  },
  expand: (b, [x, scale, offset, mean, variance], attrs) => {
    const centred = normalised(b, x, mean, inverseDeviation(b, variance, attrs), attrs);
    const scaled = b.mul(centred, perChannel(b, scale, x, attrs.axis));
    return [b.add(scaled, perChannel(b, offset, x, attrs.axis))];
  },
  evaluate: ([x, scale, offset, mean, variance], { axis, epsilon }) => {
    const channel = channelOf(x, axis);
    const data = x.data.map((v, i) => {
      const c = channel(i);
      const deviation = Math.sqrt((variance.data[c] as number) + epsilon);
      const centred = (v - (mean.data[c] as number)) / deviation;
      return centred * (scale.data[c] as number) + (offset.data[c] as number);
    });
    return [{ ...x, data }];
  },
  samples: normSamples((x, channels, options) => ({
    inputs: [
      { shape: x },
      ...[0, 1, 2].map(() => ({ shape: [channels] })),
      { shape: [channels], range: [0.5, 2] },
    ],
    attrs: { ...options },
  })),
});
