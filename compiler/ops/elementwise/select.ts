/** @file Choice between two tensors by a mask. */
import { typeOf } from "../../ir/types.js";
import { defineOp } from "../define-op.js";
import { broadcastShapes, stretch } from "../shared/broadcast.js";
import { expectDtype, expectSameDtype, masks } from "../shared/expect.js";
import { number, sumTo } from "../shared/gradients.js";

export const select = defineOp({
  kind: "select",
  summary: "x where the condition holds, else y; all three broadcast.",
  inputs: ["condition", "x", "y"],
  infer: ([condition, x, y]) => {
    expectDtype(condition, masks, 0, "the condition");
    expectSameDtype(x, y, 2);
    const shape = broadcastShapes(x.shape, y.shape, 2);
    return [{ dtype: x.dtype, shape: broadcastShapes(condition.shape, shape, 0) }];
  },
  gradient: {
    backward: ({ b, inputs: [condition, x, y], grad }) => {
      if (typeOf(x).dtype !== "f32") return [null, null, null];
      const zero = number(b, 0);
      const dx = b.select(condition, grad, zero);
      const dy = b.select(condition, zero, grad);
      return [null, sumTo(b, dx, x), sumTo(b, dy, y)];
    },
  },
  evaluate: ([condition, x, y]) => {
    const values = broadcastShapes(x.shape, y.shape);
    const shape = broadcastShapes(condition.shape, values) as readonly number[];
    const [left, right] = [stretch(x, shape), stretch(y, shape)];
    const data = stretch(condition, shape).map((c, i) => (c ? left[i] : right[i]) as number);
    return [{ dtype: x.dtype, shape, data }];
  },
  samples: [
    { inputs: [{ shape: ["n", 3], dtype: "bool" }, { shape: ["n", 3] }, { shape: ["n", 3] }] },
    { inputs: [{ shape: [2, 1], dtype: "bool" }, { shape: ["n", 1, 3] }, { shape: [] }] },
    {
      inputs: [
        { shape: [2], dtype: "bool", values: [0, 1] },
        { shape: [2], dtype: "i32" },
        { shape: [2], dtype: "i32" },
      ],
    },
  ],
});
