/** @file Max pooling of sequences. */
import { defineLayer } from "../define-layer.js";
import { maxPool, pool1dFields, poolSequences, strideOf } from "./pooling.js";

export const maxPool1d = defineLayer({
  type: "max_pool1d",
  summary: "Keeps the largest value of each window.",
  inputs: "one",
  primary: "size",
  fields: pool1dFields,
  shapes: "[n, length, c] → [n, length', c]",
  example: "max_pool1d: 2",
  implied: (fields) => ({ stride: strideOf(fields) }),

  lower: ({ b, x, fields, reject }) => poolSequences(b, x, fields, maxPool, reject),
});
