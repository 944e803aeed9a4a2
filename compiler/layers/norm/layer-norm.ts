/** @file Layer normalisation (Ba, Kiros & Hinton 2016). */
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { lastSize } from "../shared.js";
import { normFields, scaled } from "./scale-offset.js";
import { standardise } from "./standardise.js";

export const layerNorm = defineLayer({
  type: "layer_norm",
  summary:
    "Brings the last axis of every example to mean 0 and variance 1, then scales and shifts it.",
  inputs: "one",
  primary: null,
  fields: normFields,
  padding: "passes",
  shapes: "[n, …, c] → [n, …, c]",
  example: "layer_norm",

  lower(context) {
    const { b, x, fields, reject } = context;
    const channels = lastSize(x, reject);
    return scaled(context, standardise(b, x, [shapeOf(x).length - 1], fields.epsilon), channels);
  },
});
