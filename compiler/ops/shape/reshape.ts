/** @file Reshape. */
import { formatShape, product } from "../../ir/shape.js";
import { shapeOf } from "../../ir/types.js";
import { defineOp, Rejection } from "../define-op.js";
import { concrete } from "../shared/walk.js";

export const reshape = defineOp({
  kind: "reshape",
  summary: "The same elements in the same order, in another shape.",
  inputs: ["x"],
  shapeAttrs: ["shape"],
  infer: ([x], { shape }) => {
    const [has, needs] = [product(x.shape), product(shape)];
    if (has === needs) return [{ dtype: x.dtype, shape }];
    throw new Rejection(
      `${formatShape(x.shape)} has ${has} elements, ${formatShape(shape)} has ${needs}`,
      0,
    );
  },
  gradient: {
    backward: ({ b, inputs: [x], grad }) => [b.reshape(grad, { shape: shapeOf(x) })],
  },
  evaluate: ([x], { shape }) => [{ ...x, shape: concrete(shape) }],
  samples: [
    { inputs: [{ shape: ["n", 2, 3] }], attrs: { shape: ["n", 6] } },
    { inputs: [{ shape: ["n", 4] }], attrs: { shape: ["2n", 1, 2] } },
    { inputs: [{ shape: [] }], attrs: { shape: [1, 1] } },
    { inputs: [{ shape: [2, 3], dtype: "i32" }], attrs: { shape: [3, 2] } },
  ],
});
