/** @file Cropping of sequences. */
import { defineLayer } from "../define-layer.js";
import { field } from "../fields.js";
import { sequenceSize } from "../shared.js";

export const crop1d = defineLayer({
  type: "crop1d",
  summary: "Takes steps away from the front and the end of sequences.",
  inputs: "one",
  primary: "border",
  fields: {
    border: field<readonly [front: number, end: number]>(
      {
        anyOf: [
          { type: "integer", minimum: 0 },
          { type: "array", items: { type: "integer", minimum: 0 }, minItems: 2, maxItems: 2 },
        ],
      },
      "How many steps go at the front and at the end; or [front, end].",
      undefined,
      (value) =>
        typeof value === "number" ? [value, value] : (value as readonly [number, number]),
    ),
  },
  padding: "handles",
  delay: ({ border: [front] }) => -front,
  shapes: "[n, steps, c] → [n, steps − front − end, c]",
  example: "crop1d: [1, 0]",

  lower({ b, x, masks: [mask = null], setMask, fields, reject }) {
    const { length } = sequenceSize(x, reject);
    const [front, end] = fields.border;
    if (front + end >= length) {
      reject(`cannot take ${front} + ${end} steps from a sequence of ${length}`, "border");
    }
    if (front + end === 0) {
      setMask(mask);
      return x;
    }
    const kept = { axes: [1], starts: [front], ends: [length - end] };
    // Numbers, because not every engine slices truth values.
    if (mask !== null) {
      const there = b.slice(b.cast(mask, { dtype: "f32" }), kept);
      const half = b.constant({ dtype: "f32", shape: [], value: 0.5 });
      setMask(b.greater(there, half));
    }
    return b.slice(x, kept);
  },
});
