/** @file Concatenation. */
import { formatShape, sameShape } from "../../ir/shape.js";
import { shapeOf } from "../../ir/types.js";
import { defineOp, Rejection } from "../define-op.js";
import { expectAxis, expectSameDtype, expectStatic } from "../shared/expect.js";
import { count } from "../shared/walk.js";

export const concat = defineOp({
  kind: "concat",
  summary: "Joins tensors along an axis.",
  inputs: ["xs"],
  variadic: true,
  infer: (xs, { axis }) => {
    const [first] = xs;
    expectAxis(axis, first.shape);
    let total = 0;
    for (const [i, x] of xs.entries()) {
      expectSameDtype(first, x, i);
      const expected = first.shape.map((dim, a) => (a === axis ? (x.shape[a] ?? dim) : dim));
      if (!sameShape(expected, x.shape)) {
        const shapes = `${formatShape(first.shape)} and ${formatShape(x.shape)}`;
        throw new Rejection(`shapes ${shapes} differ outside axis ${axis}`, i);
      }
      total += expectStatic(x.shape[axis], i, "the joined axis");
    }
    return [{ dtype: first.dtype, shape: first.shape.with(axis, total) }];
  },
  gradient: {
    backward: ({ b, inputs, attrs: { axis }, grad }) => {
      let end = 0;
      return inputs.map((x) => {
        const start = end;
        end += shapeOf(x)[axis] as number;
        return b.slice(grad, { axes: [axis], starts: [start], ends: [end] });
      });
    },
  },
  evaluate: (xs, { axis }) => {
    const [first] = xs;
    const rows = count(first.shape.slice(0, axis));
    const widths = xs.map((x) => count(x.shape.slice(axis)));
    const width = widths.reduce((a, w) => a + w, 0);
    const data = new Float64Array(rows * width);
    let left = 0;
    for (const [i, x] of xs.entries()) {
      const own = widths[i] as number;
      for (let row = 0; row < rows; row++) {
        data.set(x.data.subarray(row * own, (row + 1) * own), row * width + left);
      }
      left += own;
    }
    const total = xs.reduce((sum, x) => sum + (x.shape[axis] as number), 0);
    return [{ dtype: first.dtype, shape: first.shape.with(axis, total), data }];
  },
  samples: [
    { inputs: [{ shape: ["n", 2] }, { shape: ["n", 3] }], attrs: { axis: 1 } },
    {
      inputs: [{ shape: ["n", 2, 3] }, { shape: ["n", 1, 3] }, { shape: ["n", 2, 3] }],
      attrs: { axis: 1 },
    },
    { inputs: [{ shape: [2, 2] }, { shape: [1, 2] }], attrs: { axis: 0 } },
    { inputs: [{ shape: ["n", 2] }], attrs: { axis: 1 } },
  ],
});
