/** @file Reshape: the same numbers in another shape. */
import { shapeOf } from "../../ir/types.js";
import { count } from "../../ops/shared/walk.js";
import { defineLayer } from "../define-layer.js";
import { sizes } from "../fields.js";
import { exampleShape } from "../shared.js";

export const reshape = defineLayer({
  type: "reshape",
  summary: "Arranges the numbers of an example in another shape, row by row.",
  inputs: "one",
  primary: "shape",
  fields: { shape: sizes("The new shape, without the batch.") },
  padding: "zeros",
  looksAhead: () => true,
  shapes: "[n, …] → [n, …shape]",
  example: "reshape: [28, 28, 1]",
  accepts: ["f32", "i32"],

  lower({ b, x, name, ids: [ids], setIds, fields: { shape }, reject }) {
    if (ids) setIds({ ...ids, of: name });
    const product = (dims: readonly number[]) =>
      dims.length > 1 ? `${dims.join("×")} = ${count(dims)}` : `${count(dims)}`;
    const held = exampleShape(x, reject);
    if (count(held) !== count(shape)) {
      reject(`cannot arrange ${product(held)} numbers as ${product(shape)}`, "shape");
    }
    const [batch = "n"] = shapeOf(x);
    return b.reshape(x, { shape: [batch, ...shape] });
  },
});
