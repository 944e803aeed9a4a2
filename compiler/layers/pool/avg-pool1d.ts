/** @file Average pooling of sequences. */
import { defineLayer } from "../define-layer.js";
import { presenceOf, stretched, zeroed } from "../sequence/steps.js";
import { scalar } from "../shared.js";
import { avgPool, pool1dFields, poolSequences, poolsAhead, strideOf } from "./pooling.js";

/** Below the share of any step in a window. */
const tiny = 1e-12;

export const avgPool1d = defineLayer({
  type: "avg_pool1d",
  summary: "Averages each window.",
  inputs: "one",
  primary: "size",
  fields: pool1dFields,
  padding: "handles",
  looksAhead: poolsAhead,
  shapes: "[n, length, c] → [n, length', c]",
  example: "avg_pool1d: 2",
  implied: (fields) => ({ stride: strideOf(fields) }),

  lower: (context) =>
    poolSequences(context, avgPool, (pooled, mask) => {
      const { b, x } = context;
      // Shares of a window: the mean over its steps that are there is Σ x·there / Σ there.
      const there = stretched(b, presenceOf(b, mask), x);
      const sum = pooled(zeroed(b, x, mask), avgPool);
      return b.div(sum, b.maximum(pooled(there, avgPool), scalar(b, tiny)));
    }),
});
