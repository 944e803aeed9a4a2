/** @file Concatenation of several inputs. */
import { formatShape } from "../../ir/shape.js";
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";
import { integer } from "../fields.js";
import { jointMask, maskInARow } from "../sequence/steps.js";

export const concat = defineLayer({
  type: "concat",
  summary: "Puts several inputs one after the other along an axis; their other axes must agree.",
  inputs: "many",
  primary: null,
  fields: {
    axis: integer(
      "The axis, counted with the batch as 0 (images: 1 height, 2 width, 3 channels), or from the end as −1, −2 and so on.",
      {},
      -1,
    ),
  },
  padding: "handles",
  delay: ({ axis }, index, shapes) => {
    const isTime = axis === 1 || axis + (shapes[0]?.length ?? 0) === 1;
    const before = isTime ? shapes.slice(0, index) : [];
    return before.reduce((sum, shape) => sum + Number(shape[1]), 0);
  },
  shapes: "k × [n, …, c] → [n, …, c₁ + c₂ + …]",
  example: "concat: [left, right]",

  lower({ b, inputs, inputNames, masks, setMask, x, fields, reject }) {
    if (inputs.length < 2) return reject("needs at least two inputs");
    const first = shapeOf(x);
    const axis = fields.axis < 0 ? first.length + fields.axis : fields.axis;
    if (axis < 1 || axis >= first.length) {
      reject(`has no axis ${fields.axis} to join in inputs of shape ${formatShape(first)}`, "axis");
    }
    inputs.forEach((input, i) => {
      const shape = shapeOf(input);
      const fits =
        shape.length === first.length && shape.every((dim, at) => at === axis || dim === first[at]);
      if (!fits) {
        reject(
          `needs inputs that differ only along axis ${axis}, but '${inputNames[0]}' is ${formatShape(first)} and '${inputNames[i]}' is ${formatShape(shape)}`,
        );
      }
    });
    setMask(axis === 1 ? maskInARow(b, inputs, masks) : jointMask(b, masks));
    return b.concat(inputs, { axis });
  },
});
