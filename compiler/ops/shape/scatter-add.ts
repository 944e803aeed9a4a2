/** @file Summation into rows: the gradient of gather. */
import { formatShape, sameShape } from "../../ir/shape.js";
import { defineOp, Rejection } from "../define-op.js";
import { expectDtype, expectPositive, floats, indices as indexDtypes } from "../shared/expect.js";
import { count } from "../shared/walk.js";

export const scatterAdd = defineOp({
  kind: "scatterAdd",
  summary: "Zeros, to which each slice of the updates is added at its row.",
  inputs: ["indices", "updates"],
  infer: ([indices, updates], { rows }) => {
    expectDtype(indices, indexDtypes, 0, "indices");
    expectDtype(updates, floats, 1, "updates");
    expectPositive([rows], "rows");
    const rank = indices.shape.length;
    if (!sameShape(updates.shape.slice(0, rank), indices.shape)) {
      const has = `${formatShape(updates.shape)} does not begin with ${formatShape(indices.shape)}`;
      throw new Rejection(`updates need one slice per index, but ${has}`, 1);
    }
    return [{ dtype: "f32", shape: [rows, ...updates.shape.slice(rank)] }];
  },
  gradient: {
    backward: ({ b, inputs: [indices], grad }) => [null, b.gather(grad, indices, { axis: 0 })],
  },
  evaluate: ([indices, updates], { rows }) => {
    const tail = updates.shape.slice(indices.shape.length);
    const width = count(tail);
    const data = new Float64Array(rows * width);
    indices.data.forEach((row, i) => {
      if (row < 0 || row >= rows) throw new Error(`index ${row} is outside 0 … ${rows - 1}`);
      for (let j = 0; j < width; j++) {
        data[row * width + j] =
          (data[row * width + j] as number) + (updates.data[i * width + j] as number);
      }
    });
    return [{ dtype: "f32", shape: [rows, ...tail], data }];
  },
  samples: [
    {
      inputs: [{ shape: ["n"], dtype: "i32", values: [3, 0, 3] }, { shape: ["n", 2] }],
      attrs: { rows: 4 },
    },
    {
      inputs: [{ shape: ["n", 2], dtype: "i32", values: [1, 0, 1, 1, 2, 2] }, { shape: ["n", 2] }],
      attrs: { rows: 3 },
    },
  ],
});
