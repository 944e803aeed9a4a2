/** @file Sampling with a way back for gradients (Kingma & Welling 2014). */
import { formatShape, sameShape } from "../../ir/shape.js";
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { scalar } from "../shared.js";

export const sampleNormal = defineLayer({
  type: "sample_normal",
  summary:
    "Draws normal numbers of the given mean and log variance: mean + exp(log_variance / 2)·ε. Gradients pass to both inputs. It draws in evaluation and prediction, too, where the seed settles ε.",
  inputs: "many",
  primary: null,
  fields: {},
  padding: "passes",
  shapes: "[n, …], [n, …] → [n, …]",
  example: "sample_normal: [mean, log_variance]",

  lower({ b, inputs, inputNames, normal, reject }) {
    const [mean, logVariance, ...more] = inputs;
    if (mean === undefined || logVariance === undefined || more.length > 0) {
      return reject(`reads a mean and a log variance, not ${inputs.length} inputs`);
    }
    const shape = shapeOf(mean);
    if (!sameShape(shape, shapeOf(logVariance))) {
      reject(
        `needs a mean and a log variance of equal shape, but '${inputNames[0]}' is ${formatShape(shape)} and '${inputNames[1]}' is ${formatShape(shapeOf(logVariance))}`,
      );
    }
    const deviation = b.exp(b.mul(logVariance, scalar(b, 0.5)));
    return b.add(mean, b.mul(deviation, normal(shape)));
  },
});
