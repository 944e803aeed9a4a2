/** @file Max pooling of sequences. */
import { defineLayer } from "../define-layer.js";
import { lowestInPadding } from "../sequence/steps.js";
import { maxPool, pool1dFields, poolSequences, poolsAhead, strideOf } from "./pooling.js";

export const maxPool1d = defineLayer({
  type: "max_pool1d",
  summary: "Keeps the largest value of each window.",
  inputs: "one",
  primary: "size",
  fields: pool1dFields,
  padding: "handles",
  looksAhead: poolsAhead,
  shapes: "[n, length, c] → [n, length', c]",
  example: "max_pool1d: 2",
  implied: (fields) => ({ stride: strideOf(fields) }),

  lower: (context) =>
    poolSequences(context, maxPool, (pooled, mask) =>
      pooled(lowestInPadding(context.b, context.x, mask), maxPool),
    ),
});
