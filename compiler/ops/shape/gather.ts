/** @file Choice of rows by index: embeddings. */
import type { Shape, Value } from "../../ir/types.js";
import { shapeOf } from "../../ir/types.js";
import { type Builder, defineOp } from "../define-op.js";
import { expectAxis, expectDtype, expectStatic, indices as indexDtypes } from "../shared/expect.js";
import { count } from "../shared/walk.js";

const replaced = <D>(shape: readonly D[], axis: number, by: readonly D[]): readonly D[] => [
  ...shape.slice(0, axis),
  ...by,
  ...shape.slice(axis + 1),
];

/** scatterAdd works on the first axis: the gathered axes go there and the sum comes back. */
function scatterAlong(b: Builder, grad: Value, indices: Value, x: Value, axis: number): Value {
  const shape: Shape = shapeOf(x);
  const rows = shape[axis] as number;
  if (axis === 0) return b.scatterAdd(indices, grad, { rows });
  const gathered = shapeOf(indices).length;
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, i) => from + i);
  const forth = [
    ...range(axis, axis + gathered),
    ...range(0, axis),
    ...range(axis + gathered, shapeOf(grad).length),
  ];
  const summed = b.scatterAdd(indices, b.transpose(grad, { perm: forth }), { rows });
  return b.transpose(summed, {
    perm: [...range(1, axis + 1), 0, ...range(axis + 1, shape.length)],
  });
}

export const gather = defineOp({
  kind: "gather",
  summary: "Rows of x along an axis, chosen by index.",
  inputs: ["x", "indices"],
  infer: ([x, indices], { axis }) => {
    expectAxis(axis, x.shape);
    expectStatic(x.shape[axis], 0, `axis ${axis}, which indices choose from,`);
    expectDtype(indices, indexDtypes, 1, "indices");
    return [{ dtype: x.dtype, shape: replaced(x.shape, axis, indices.shape) }];
  },
  gradient: {
    backward: ({ b, inputs: [x, indices], attrs, grad }) => [
      scatterAlong(b, grad, indices, x, attrs.axis),
      null,
    ],
  },
  evaluate: ([x, indices], { axis }) => {
    const rows = x.shape[axis] as number;
    const inner = count(x.shape.slice(axis + 1));
    const outer = count(x.shape.slice(0, axis));
    const chosen = indices.data.length;
    const data = new Float64Array(outer * chosen * inner);
    for (let o = 0; o < outer; o++) {
      indices.data.forEach((row, i) => {
        if (row < 0 || row >= rows) throw new Error(`index ${row} is outside 0 … ${rows - 1}`);
        const from = (o * rows + row) * inner;
        data.set(x.data.subarray(from, from + inner), (o * chosen + i) * inner);
      });
    }
    return [{ dtype: x.dtype, shape: replaced(x.shape, axis, indices.shape), data }];
  },
  samples: [
    {
      inputs: [{ shape: [4, 3] }, { shape: ["n"], dtype: "i32", values: [3, 0, 3] }],
      attrs: { axis: 0 },
    },
    {
      inputs: [{ shape: [4] }, { shape: ["n", 2], dtype: "i32", values: [3, 0, 3, 1, 2, 2] }],
      attrs: { axis: 0 },
    },
    {
      inputs: [{ shape: ["n", 4, 2] }, { shape: [3], dtype: "i32", values: [1, 1, 2] }],
      attrs: { axis: 1 },
    },
    {
      inputs: [{ shape: ["n", 2, 3] }, { shape: [2, 2], dtype: "i32", values: [2, 0, 1, 2] }],
      attrs: { axis: 2 },
    },
    { inputs: [{ shape: [3, 2] }, { shape: [], dtype: "i32", values: [2] }], attrs: { axis: 0 } },
  ],
});
