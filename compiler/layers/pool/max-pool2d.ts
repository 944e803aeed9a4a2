/** @file Max pooling of images. */
import { defineLayer } from "../define-layer.js";
import { maxPool, pool2dFields, poolImages, strideOf } from "./pooling.js";

export const maxPool2d = defineLayer({
  type: "max_pool2d",
  summary: "Keeps the largest value of each window.",
  inputs: "one",
  primary: "size",
  fields: pool2dFields,
  shapes: "[n, h, w, c] → [n, h', w', c]",
  example: "max_pool2d: 2",
  implied: (fields) => ({ stride: strideOf(fields) }),

  lower: ({ b, x, fields, reject }) => poolImages(b, x, fields, maxPool, reject),
});
