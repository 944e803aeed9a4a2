/** @file Choice of channels by index. */
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { indices } from "../fields.js";
import { lastSize } from "../shared.js";

/** Indices that follow each other, as ranges [start, end). */
function runs(chosen: readonly number[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const index of chosen) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === index) last[1] = index + 1;
    else found.push([index, index + 1]);
  }
  return found;
}

export const selectChannels = defineLayer({
  type: "select_channels",
  summary:
    "Takes the listed channels, in that order; one may be taken several times. With a grouped convolution after it, any table of connections can be written.",
  inputs: "one",
  primary: "channels",
  fields: { channels: indices("Numbers of the channels, from 0.") },
  padding: "passes",
  shapes: "[n, …, c] → [n, …, number of channels listed]",
  example: "select_channels: [0, 1, 1, 3]",

  lower({ b, x, fields, reject }) {
    const size = lastSize(x, reject);
    const beyond = fields.channels.find((index) => index >= size);
    if (beyond !== undefined) {
      reject(`has no channel ${beyond}: its input has channels 0 to ${size - 1}`, "channels");
    }
    const axis = shapeOf(x).length - 1;
    const parts = runs(fields.channels).map(([start, end]) =>
      start === 0 && end === size ? x : b.slice(x, { axes: [axis], starts: [start], ends: [end] }),
    );
    const [only = x] = parts;
    return parts.length === 1 ? only : b.concat(parts, { axis });
  },
});
