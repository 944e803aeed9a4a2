/** @file From scores to ids: what a discrete autoencoder turns images into. */
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { lastSize } from "../shared.js";

export const codes = defineLayer({
  type: "codes",
  summary:
    "The number of the largest score on the last axis, from 0. Codes are ids: embedding, one_hot, previous and logits know how many there are. No gradient passes.",
  inputs: "one",
  primary: null,
  fields: {},
  padding: "passes",
  shapes: "[n, …, classes] → [n, …]",
  example: "codes",

  lower({ b, x, name, setIds, reject }) {
    const count = lastSize(x, reject);
    setIds({ count, of: name, isText: false });
    return b.argMax(x, { axis: shapeOf(x).length - 1 });
  },
});
