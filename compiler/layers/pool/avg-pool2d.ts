/** @file Average pooling of images. */
import { defineLayer } from "../define-layer.js";
import { avgPool, pool2dFields, poolImages } from "./pooling.js";

export const avgPool2d = defineLayer({
  type: "avg_pool2d",
  summary: "Averages each window.",
  inputs: "one",
  primary: "size",
  fields: pool2dFields,
  shapes: "[n, h, w, c] → [n, h', w', c]",
  example: "avg_pool2d: 2",

  lower: ({ b, x, fields, reject }) => poolImages(b, x, fields, avgPool, reject),
});
