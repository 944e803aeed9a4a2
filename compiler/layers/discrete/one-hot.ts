/** @file From ids to vectors without weights. */
import { defineLayer } from "../define-layer.js";

export const oneHot = defineLayer({
  type: "one_hot",
  summary:
    "A vector for each id, with 1 at the id and 0 elsewhere: of codes, tokens or a category feature with `encode: index`.",
  inputs: "one",
  primary: null,
  fields: {},
  padding: "passes",
  accepts: ["i32"],
  shapes: "[n, …] → [n, …, classes]",
  example: "one_hot",

  lower({ b, x, classes, inputNames, reject }) {
    const depth =
      classes ?? reject(`needs ids of classes or tokens, but '${inputNames[0]}' holds none`);
    return b.oneHot(x, { depth, on: 1, off: 0 });
  },
});
