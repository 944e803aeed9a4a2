/** @file Random points between pairs of examples. */
import { formatShape, sameShape } from "../../ir/shape.js";
import { shapeOf } from "../../ir/types.js";
import { defineLayer } from "../define-layer.js";

export const interpolate = defineLayer({
  type: "interpolate",
  summary:
    "A random point on the line between each example of the first input and that of the second: where a critic's gradient is penalised (Gulrajani et al. 2017).",
  inputs: "many",
  primary: null,
  fields: {},
  padding: "passes",
  shapes: "[n, …], [n, …] → [n, …]",
  example: "interpolate: [real, fake]",

  lower({ b, inputs, inputNames, random, reject }) {
    const [first, second, ...more] = inputs;
    if (first === undefined || second === undefined || more.length > 0) {
      return reject(`lies between two inputs, not ${inputs.length}`);
    }
    const shape = shapeOf(first);
    if (!sameShape(shape, shapeOf(second))) {
      reject(
        `needs inputs of equal shape, but '${inputNames[0]}' is ${formatShape(shape)} and '${inputNames[1]}' is ${formatShape(shapeOf(second))}`,
      );
    }
    const share = random(shape.map((dim, axis) => (axis === 0 ? dim : 1)));
    return b.add(second, b.mul(share, b.sub(first, second)));
  },
});
