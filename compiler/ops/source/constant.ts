/** @file Constants. */
import { formatShape, isStatic } from "../../ir/shape.js";
import { defineOp, Rejection } from "../define-op.js";
import { rounded } from "../shared/rounding.js";
import { concrete, count } from "../shared/walk.js";

export const constant = defineOp({
  kind: "constant",
  summary: "A constant: one number for the whole shape, or a list of all elements.",
  inputs: [],
  shapeAttrs: ["shape"],
  infer: (_, { dtype, shape, value }) => {
    if (typeof value !== "number") {
      if (!shape.every(isStatic)) {
        throw new Rejection(
          `a list of values cannot fill ${formatShape(shape)}, whose size varies`,
        );
      }
      const size = count(shape);
      if (value.length !== size) {
        throw new Rejection(`${value.length} values do not fill ${formatShape(shape)} (${size})`);
      }
    }
    return [{ dtype, shape }];
  },
  gradient: { none: "a constant does not change", zero: true },
  evaluate: (_, attrs) => {
    const shape = concrete(attrs.shape);
    const data = new Float64Array(count(shape));
    if (typeof attrs.value === "number") data.fill(attrs.value);
    else data.set(attrs.value);
    return [rounded(attrs.dtype, shape, data)];
  },
  samples: [
    { inputs: [], attrs: { dtype: "f32", shape: [], value: 0.5 } },
    { inputs: [], attrs: { dtype: "f32", shape: ["n", 2], value: -1 } },
    { inputs: [], attrs: { dtype: "i32", shape: [2, 2], value: [1, -2, 3, 4] } },
    { inputs: [], attrs: { dtype: "bool", shape: [2], value: [0, 1] } },
  ],
});
