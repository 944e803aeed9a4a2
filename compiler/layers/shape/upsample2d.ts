/** @file Upsampling by repetition. */
import { defineLayer } from "../define-layer.js";
import { pair } from "../fields.js";
import { imageSize } from "../shared.js";

export const upsample2d = defineLayer({
  type: "upsample2d",
  summary: "Enlarges images by repeating every pixel (nearest neighbour).",
  inputs: "one",
  primary: "size",
  fields: { size: pair("How often a pixel is repeated along height and width.", 1, [2, 2]) },
  shapes: "[n, h, w, c] → [n, h·size, w·size, c]",
  example: "upsample2d: 2",

  lower({ b, x, fields: { size }, reject }) {
    imageSize(x, reject);
    return size[0] === 1 && size[1] === 1 ? x : b.resizeNearest(x, { scale: size, layout: "NHWC" });
  },
});
