/** @file Average pooling of sequences. */
import { defineLayer } from "../define-layer.js";
import { avgPool, pool1dFields, poolSequences, strideOf } from "./pooling.js";

export const avgPool1d = defineLayer({
  type: "avg_pool1d",
  summary: "Averages each window.",
  inputs: "one",
  primary: "size",
  fields: pool1dFields,
  shapes: "[n, length, c] → [n, length', c]",
  example: "avg_pool1d: 2",
  implied: (fields) => ({ stride: strideOf(fields) }),

  lower: ({ b, x, fields, reject }) => poolSequences(b, x, fields, avgPool, reject),
});
