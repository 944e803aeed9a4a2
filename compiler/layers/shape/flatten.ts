/** @file Flatten: everything but the batch on one axis. */
import { shapeOf } from "../../ir/types.js";
import { count } from "../../ops/shared/walk.js";
import { defineLayer } from "../define-layer.js";
import { exampleShape, lastSize } from "../shared.js";

export const flatten = defineLayer({
  type: "flatten",
  summary: "Puts all axes of an example on one, row by row (images: height, width, channels).",
  inputs: "one",
  primary: null,
  fields: {},
  shapes: "[n, …] → [n, product]",
  example: "flatten",

  lower({ b, x, reject }) {
    lastSize(x, reject);
    const sizes = exampleShape(x, reject);
    if (sizes.length === 1) return x;
    const [batch = "n"] = shapeOf(x);
    return b.reshape(x, { shape: [batch, count(sizes)] });
  },
});
