/** @file Maximum over time. */
import { defineLayer } from "../define-layer.js";
import { lowestInPadding, presenceOf } from "../sequence/steps.js";
import { scalar, sequenceSize } from "../shared.js";

export const globalMaxPool1d = defineLayer({
  type: "global_max_pool1d",
  summary: "Largest value of every channel over all steps; padding never wins.",
  inputs: "one",
  primary: null,
  fields: {},
  padding: "handles",
  looksAhead: () => true,
  shapes: "[n, length, c] → [n, c]",
  example: "global_max_pool1d",

  lower({ b, x, masks: [mask = null], reject }) {
    sequenceSize(x, reject);
    const overTime = { axes: [1], keepDims: false };
    if (mask === null) return b.max(x, overTime);
    const largest = b.max(lowestInPadding(b, x, mask), overTime);
    // Of an empty sequence it is 0.
    const steps = b.sum(presenceOf(b, mask), { axes: [1], keepDims: true });
    return b.select(b.greater(steps, scalar(b, 0)), largest, scalar(b, 0));
  },
});
