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
  padding: "zeros",
  looksAhead: () => true,
  shapes: "[n, …] → [n, product]",
  example: "flatten",
  accepts: ["f32", "i32"],

  lower({ b, x, name, ids: [ids], setIds, reject }) {
    lastSize(x, reject);
    if (ids) setIds({ ...ids, of: name });
    const sizes = exampleShape(x, reject);
    if (sizes.length === 1) return x;
    const [batch = "n"] = shapeOf(x);
    return b.reshape(x, { shape: [batch, count(sizes)] });
  },
});
