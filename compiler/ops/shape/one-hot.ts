/** @file Class indices to vectors. */
import { shapeOf } from "../../ir/types.js";
import { defineOp } from "../define-op.js";
import { expectDtype, expectPositive, indices as indexDtypes } from "../shared/expect.js";
import { number } from "../shared/gradients.js";

export const oneHot = defineOp({
  kind: "oneHot",
  summary: "A vector per index: one value at the index, another elsewhere.",
  inputs: ["indices"],
  infer: ([indices], { depth }) => {
    expectDtype(indices, indexDtypes, 0, "indices");
    expectPositive([depth], "depth");
    return [{ dtype: "f32", shape: [...indices.shape, depth] }];
  },
  gradient: { none: "an index is a whole number", zero: true },
  expand: (b, [indices], { depth, on, off }) => {
    const column = b.reshape(indices, { shape: [...shapeOf(indices), 1] });
    const positions = Array.from({ length: depth }, (_, i) => i);
    const row = b.constant({ dtype: "i32", shape: [depth], value: positions });
    return [b.select(b.equal(column, row), number(b, on), number(b, off))];
  },
  evaluate: ([indices], { depth, on, off }) => {
    const data = new Float64Array(indices.data.length * depth).fill(off);
    indices.data.forEach((index, i) => {
      if (index >= 0 && index < depth) data[i * depth + index] = on;
    });
    return [{ dtype: "f32", shape: [...indices.shape, depth], data }];
  },
  samples: [
    {
      inputs: [{ shape: ["n"], dtype: "i32", values: [2, 0, 3] }],
      attrs: { depth: 4, on: 1, off: 0 },
    },
    {
      inputs: [{ shape: ["n", 2], dtype: "i32", values: [2, 0, 1, 1, 0, 2] }],
      attrs: { depth: 3, on: 0.9, off: 0.05 },
    },
  ],
});
