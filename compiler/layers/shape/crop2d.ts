/** @file Cropping of images. */
import { defineLayer } from "../define-layer.js";
import { border } from "../fields.js";
import { imageSize } from "../shared.js";

export const crop2d = defineLayer({
  type: "crop2d",
  summary: "Takes rows and columns away from the borders of images.",
  inputs: "one",
  primary: "border",
  fields: {
    border: border(
      "What goes on every side; or [height, width], each on both sides; or [top, bottom, left, right].",
    ),
  },
  shapes: "[n, h, w, c] → [n, h − top − bottom, w − left − right, c]",
  example: "crop2d: [0, 1, 0, 1]",

  lower({ b, x, fields, reject }) {
    const { height, width } = imageSize(x, reject);
    const [top, left, bottom, right] = fields.border;
    if (top + bottom >= height || left + right >= width) {
      reject(
        `cannot take ${top} + ${bottom} rows and ${left} + ${right} columns from an input of ${height}×${width}`,
        "border",
      );
    }
    return b.slice(x, {
      axes: [1, 2],
      starts: [top, left],
      ends: [height - bottom, width - right],
    });
  },
});
