/** @file Group normalisation (Wu & He 2018). */
import { count as counted } from "../../diagnostics/count.js";
import { shapeOf } from "../../ir/types.js";
import { count } from "../../ops/shared/walk.js";
import { defineLayer } from "../define-layer.js";
import { positiveInteger } from "../fields.js";
import { exampleShape, lastSize } from "../shared.js";
import { normFields, scaled } from "./scale-offset.js";
import { standardise } from "./standardise.js";

export const groupNorm = defineLayer({
  type: "group_norm",
  summary:
    "Brings groups of channels of every example to mean 0 and variance 1 over positions and channels, then scales and shifts each channel. One group per channel is instance normalisation.",
  inputs: "one",
  primary: "groups",
  fields: {
    groups: positiveInteger("Number of groups; must divide the channels.", 32),
    ...normFields,
  },
  padding: "refuses",
  paddingRemedy: "Use `layer_norm` in its place: it works on every step by itself.",
  looksAhead: () => true,
  shapes: "[n, …, c] → [n, …, c]",
  example: "group_norm: 4",

  lower(context) {
    const { b, x, fields, reject } = context;
    const channels = lastSize(x, reject);
    if (channels % fields.groups !== 0) {
      reject(
        `cannot split ${counted(channels, "channel")} into ${counted(fields.groups, "equal group")}`,
        "groups",
      );
    }
    const shape = shapeOf(x);
    const [batch = "n"] = shape;
    const positions = count(exampleShape(x, reject)) / channels;
    const grouped = b.reshape(x, {
      shape: [batch, positions, fields.groups, channels / fields.groups],
    });
    const y = standardise(b, grouped, [1, 3], fields.epsilon);
    return scaled(context, b.reshape(y, { shape }), channels);
  },
});
