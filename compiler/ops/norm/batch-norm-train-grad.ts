/** @file Gradient of batch normalisation with the batch's own statistics. */
import { defineOp } from "../define-op.js";
import { expectDtype, expectShape, floats } from "../shared/expect.js";
import { perChannel } from "../shared/gradients.js";
import {
  channelMean,
  channelOf,
  channelShape,
  channelSum,
  elementsPerChannel,
  inverseDeviation,
  normalised,
  normSamples,
} from "../shared/norm.js";

// dx = scale/deviation · (dy − mean(dy) − x̂ · mean(dy·x̂)), means per channel (Ioffe & Szegedy 2015, §3)
export const batchNormTrainGrad = defineOp({
  kind: "batchNormTrainGrad",
  summary: "Gradient of batchNormTrain's y, given its input and the batch's statistics.",
  inputs: ["dy", "x", "scale", "mean", "variance"],
  infer: ([dy, x, scale, mean, variance], attrs) => {
    const vectors = { scale: [scale, 2], mean: [mean, 3], variance: [variance, 4] } as const;
    const shape = channelShape(x, vectors, attrs, 1);
    expectDtype(dy, floats, 0, "the output's gradient");
    expectShape(dy, x.shape, 0, "the output's gradient");
    return [x, { dtype: "f32", shape }, { dtype: "f32", shape }];
  },
  gradient: {
    none: "second derivatives through the training form of batch normalisation are not supported",
  },
  expand: (b, [dy, x, scale, mean, variance], attrs) => {
    const inverse = inverseDeviation(b, variance, attrs);
    const centred = normalised(b, x, mean, inverse, attrs);
    const dScale = channelSum(b, b.mul(dy, centred), attrs);
    const dOffset = channelSum(b, dy, attrs);
    const elements = elementsPerChannel(b, x, attrs);
    const channelwise = (v: typeof x): typeof x => perChannel(b, v, x, attrs.axis);
    const direct = b.sub(dy, channelwise(b.div(dOffset, elements)));
    const rest = b.sub(direct, b.mul(centred, channelwise(b.div(dScale, elements))));
    return [b.mul(rest, channelwise(b.mul(scale, inverse))), dScale, dOffset];
  },
  evaluate: ([dy, x, scale, mean, variance], { axis, epsilon }) => {
    const channel = channelOf(x, axis);
    const inverse = variance.data.map((v) => 1 / Math.sqrt(v + epsilon));
    const centred = x.data.map((v, i) => {
      const c = channel(i);
      return (v - (mean.data[c] as number)) * (inverse[c] as number);
    });
    const meanDy = channelMean(dy, axis, (g) => g);
    const meanAligned = channelMean(dy, axis, (g, _, i) => g * (centred[i] as number));
    const data = dy.data.map((g, i) => {
      const c = channel(i);
      const rest = g - (meanDy[c] as number) - (centred[i] as number) * (meanAligned[c] as number);
      return rest * (scale.data[c] as number) * (inverse[c] as number);
    });
    const elements = x.data.length / meanDy.length;
    const vector = (values: Float64Array) =>
      ({ dtype: "f32", shape: [values.length], data: values.map((v) => v * elements) }) as const;
    return [{ ...x, data }, vector(meanAligned), vector(meanDy)];
  },
  samples: normSamples((x, channels, options) => ({
    inputs: [
      { shape: x },
      { shape: x },
      { shape: [channels] },
      { shape: [channels] },
      { shape: [channels], range: [0.5, 2] },
    ],
    attrs: { ...options },
  })),
});
