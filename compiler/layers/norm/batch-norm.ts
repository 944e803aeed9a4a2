/** @file Batch normalisation (Ioffe & Szegedy 2015). */
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { number } from "../fields.js";
import { lastSize, scalar } from "../shared.js";
import { normFields, scaleAndOffset } from "./scale-offset.js";

export const batchNorm = defineLayer({
  type: "batch_norm",
  summary:
    "Brings every channel to mean 0 and variance 1 over the batch, then scales and shifts it; afterwards it uses moving averages gathered while training.",
  inputs: "one",
  primary: null,
  stillWhenFrozen: true,
  fields: {
    momentum: number(
      "Share of the old moving average kept at each step: moving·momentum + batch·(1 − momentum). PyTorch's momentum is 1 minus this.",
      { minimum: 0, exclusiveMaximum: 1 },
      0.99,
    ),
    ...normFields,
  },
  padding: "refuses",
  paddingRemedy: "Use `layer_norm` in its place: it works on every step by itself.",
  looksAhead: () => true,
  shapes: "[n, …, c] → [n, …, c]",
  example: "batch_norm: { momentum: 0.9 }",

  lower(context) {
    const { b, x, fields, training, buffer, update, reject } = context;
    const channels = lastSize(x, reject);
    const { scale, offset } = scaleAndOffset(context, channels);
    const mean = buffer("mean", [channels], { kind: "zeros" });
    const variance = buffer("variance", [channels], { kind: "ones" });
    const options = { epsilon: fields.epsilon, axis: shapeOf(x).length - 1 };
    if (!training) return b.batchNorm(x, scale, offset, mean, variance, options);
    // As in Keras, the moving variance gathers the batch's biased variance (PyTorch: the unbiased).
    const [y, batchMean, batchVariance] = b.batchNormTrain(x, scale, offset, options);
    const keep = scalar(b, fields.momentum);
    const take = scalar(b, 1 - fields.momentum);
    update("mean", b.add(b.mul(mean, keep), b.mul(batchMean, take)));
    update("variance", b.add(b.mul(variance, keep), b.mul(batchVariance, take)));
    return y;
  },
});
