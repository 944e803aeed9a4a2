/** @file Average over time. */
import { defineLayer } from "../define-layer.js";
import { presenceOf, zeroed } from "../sequence/steps.js";
import { scalar, sequenceSize } from "../shared.js";

export const globalAvgPool1d = defineLayer({
  type: "global_avg_pool1d",
  summary: "Average of every channel over all steps; padding does not count.",
  inputs: "one",
  primary: null,
  fields: {},
  padding: "handles",
  looksAhead: () => true,
  shapes: "[n, length, c] → [n, c]",
  example: "global_avg_pool1d",

  lower({ b, x, masks: [mask = null], reject }) {
    sequenceSize(x, reject);
    const overTime = { axes: [1], keepDims: false };
    if (mask === null) return b.mean(x, overTime);
    // [n, 1]; an empty sequence has an average of 0.
    const steps = b.sum(presenceOf(b, mask), { axes: [1], keepDims: true });
    return b.div(b.sum(zeroed(b, x, mask), overTime), b.maximum(steps, scalar(b, 1)));
  },
});
