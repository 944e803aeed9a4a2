/** @file Explicit broadcasting. */
import { broadcast, formatShape, sameShape } from "../../ir/shape.js";
import { defineOp, Rejection } from "../define-op.js";
import { stretch } from "../shared/broadcast.js";
import { sumTo } from "../shared/gradients.js";
import { concrete } from "../shared/walk.js";

export const broadcastTo = defineOp({
  kind: "broadcastTo",
  summary: "Repeats x along new axes and along axes of size 1, up to a shape.",
  inputs: ["x"],
  shapeAttrs: ["shape"],
  infer: ([x], { shape }) => {
    const common = broadcast(x.shape, shape);
    if (common !== null && sameShape(common, shape)) return [{ dtype: x.dtype, shape }];
    throw new Rejection(`${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}`, 0);
  },
  gradient: { backward: ({ b, inputs: [x], grad }) => [sumTo(b, grad, x)] },
  evaluate: ([x], attrs) => {
    const shape = concrete(attrs.shape);
    return [{ dtype: x.dtype, shape, data: stretch(x, shape) }];
  },
  samples: [
    { inputs: [{ shape: [] }], attrs: { shape: ["n", 2] } },
    { inputs: [{ shape: ["n", 1, 3] }], attrs: { shape: ["n", 2, 3] } },
    { inputs: [{ shape: [3, 1] }], attrs: { shape: ["n", 3, 2] } },
    { inputs: [{ shape: ["n", 2] }], attrs: { shape: ["n", 2] } },
  ],
});
