/** @file Zero padding of images. */
import { defineLayer } from "../define-layer.js";
import { border } from "../fields.js";
import { imageSize } from "../shared.js";

export const zeroPad2d = defineLayer({
  type: "zero_pad2d",
  summary: "Puts rows and columns of zeros around images.",
  inputs: "one",
  primary: "padding",
  fields: {
    padding: border(
      "Zeros on every side; or [height, width], each on both sides; or [top, bottom, left, right].",
    ),
  },
  shapes: "[n, h, w, c] → [n, h + top + bottom, w + left + right, c]",
  example: "zero_pad2d: [0, 1, 0, 1]",

  lower({ b, x, fields: { padding }, reject }) {
    imageSize(x, reject);
    const [top, left, bottom, right] = padding;
    return b.pad(x, { before: [0, top, left, 0], after: [0, bottom, right, 0], value: 0 });
  },
});
