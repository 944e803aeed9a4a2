/** @file Batch normalisation with the batch's own statistics (Ioffe & Szegedy 2015). */
import type { Value } from "../../ir/types.js";
import { typeOf } from "../../ir/types.js";
import { defineOp } from "../define-op.js";
import { number, otherAxes, perChannel } from "../shared/gradients.js";
import {
  channelOf,
  channelShape,
  elementsPerChannel,
  normSamples,
  statistics,
} from "../shared/norm.js";

export const batchNormTrain = defineOp({
  kind: "batchNormTrain",
  summary:
    "Batch normalisation by the batch's own mean and biased variance, which it also returns.",
  inputs: ["x", "scale", "offset"],
  infer: ([x, scale, offset], attrs) => {
    const shape = channelShape(x, { scale: [scale, 1], offset: [offset, 2] }, attrs);
    return [x, { dtype: x.dtype, shape }, { dtype: x.dtype, shape }];
  },
  gradient: {
    backward: ({ b, inputs: [x, scale], attrs, outputs: [y, mean, variance], grads }) => {
      const [dy, dMean, dVariance] = grads;
      const parts: Value[] = [];
      let [dScale, dOffset]: (Value | null)[] = [null, null];
      if (dy) {
        const options = { axis: attrs.axis, epsilon: attrs.epsilon };
        const gradients = b.batchNormTrainGrad(dy, x, scale, mean, variance, options);
        parts.push(gradients[0]);
        [dScale, dOffset] = [gradients[1], gradients[2]];
      }
      const elements = elementsPerChannel(b, y, attrs);
      const spread = (v: Value): Value => perChannel(b, b.div(v, elements), x, attrs.axis);
      if (dMean) parts.push(b.broadcastTo(spread(dMean), { shape: typeOf(x).shape }));
      if (dVariance) {
        const centred = b.sub(x, perChannel(b, mean, x, attrs.axis));
        parts.push(b.mul(b.mul(centred, number(b, 2)), spread(dVariance)));
      }
      return [parts.reduce((sum, part) => b.add(sum, part)), dScale ?? null, dOffset ?? null];
    },
  },
  expand: (b, [x, scale, offset], attrs) => {
    const axes = otherAxes(x, attrs.axis);
    const mean = b.mean(x, { axes, keepDims: false });
    const centred = b.sub(x, perChannel(b, mean, x, attrs.axis));
    const variance = b.mean(b.square(centred), { axes, keepDims: false });
    return [b.batchNorm(x, scale, offset, mean, variance, attrs), mean, variance];
  },
  evaluate: ([x, scale, offset], { axis, epsilon }) => {
    const [mean, variance] = statistics(x, axis);
    const channel = channelOf(x, axis);
    const data = x.data.map((v, i) => {
      const c = channel(i);
      const centred = (v - (mean[c] as number)) / Math.sqrt((variance[c] as number) + epsilon);
      return centred * (scale.data[c] as number) + (offset.data[c] as number);
    });
    const shape = [mean.length];
    const { dtype } = x;
    return [
      { ...x, data },
      { dtype, shape, data: mean },
      { dtype, shape, data: variance },
    ];
  },
  samples: normSamples((x, channels, options) => ({
    inputs: [{ shape: x }, { shape: [channels] }, { shape: [channels] }],
    attrs: { ...options },
  })),
});
