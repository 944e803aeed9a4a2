/** @file Encodings of positions that are added to a sequence. */
import { defineLayer } from "../define-layer.js";
import { choice, initializer, optional, positiveInteger } from "../fields.js";
import { initOf } from "../init.js";
import { sequenceSize } from "../shared.js";
import { sinusoids } from "./angles.js";

export const positions = defineLayer({
  type: "positions",
  summary:
    "Adds to every step of a sequence what says where it stands, since attention does not know the order of steps.",
  inputs: "one",
  primary: "kind",
  fields: {
    kind: choice(
      "sinusoidal: sines and cosines of 1 to 10,000 steps per radian (Vaswani et al. 2017), as large as embeddings that start as `normal: 0.7`; learned: a trained vector per position.",
      ["sinusoidal", "learned"],
    ),
    max_length: optional(
      positiveInteger("learned: how many positions there are; default: the length of the input."),
    ),
    initializer: initializer("learned: how the vectors start.", "uniform"),
  },
  padding: "passes",
  idle: ({ kind }) => {
    if (kind === "learned") return {};
    const reason = "only learned positions are kept in a table";
    return { max_length: reason, initializer: reason };
  },
  shapes: "[n, steps, size] → [n, steps, size]",
  example: "positions: learned",

  lower({ b, x, fields, weight, reject }) {
    const { length, channels } = sequenceSize(x, reject);
    if (fields.kind === "sinusoidal") return b.add(x, sinusoids(b, length, channels));
    const rows = fields.max_length ?? length;
    if (rows < length) {
      reject(`has ${rows} positions, but its input has ${length} steps`, "max_length");
    }
    const init = initOf(fields.initializer, rows, channels);
    const table = weight("table", [rows, channels], init, { decay: true });
    return b.add(x, b.slice(table, { axes: [0], starts: [0], ends: [length] }));
  },
});
