/** @file Padding. */
import type { Dim } from "../../ir/types.js";
import { shapeOf } from "../../ir/types.js";
import { defineOp, Rejection } from "../define-op.js";
import { expectStatic } from "../shared/expect.js";
import { count, offsets, stridesOf } from "../shared/walk.js";

export const pad = defineOp({
  kind: "pad",
  summary: "Adds elements of one value around axes.",
  inputs: ["x"],
  infer: ([x], { before, after }) => {
    const rank = x.shape.length;
    if (before.length !== rank || after.length !== rank) {
      throw new Rejection(
        `${rank} axes need as many paddings, not ${before.length} before and ${after.length} after`,
      );
    }
    const shape = x.shape.map((dim, axis): Dim => {
      const [left, right] = [before[axis] as number, after[axis] as number];
      if (left < 0 || right < 0) {
        throw new Rejection(`paddings ${left} and ${right} of axis ${axis} must not be negative`);
      }
      return left + right === 0 ? dim : expectStatic(dim, 0, `padded axis ${axis}`) + left + right;
    });
    return [{ dtype: x.dtype, shape }];
  },
  gradient: {
    backward: ({ b, inputs: [x], attrs: { before, after }, grad }) => {
      const axes = before.flatMap((left, axis) =>
        left + (after[axis] as number) > 0 ? [axis] : [],
      );
      if (axes.length === 0) return [grad];
      const starts = axes.map((axis) => before[axis] as number);
      const ends = axes.map((axis, i) => (starts[i] as number) + (shapeOf(x)[axis] as number));
      return [b.slice(grad, { axes, starts, ends })];
    },
  },
  evaluate: ([x], { before, after, value }) => {
    const shape = x.shape.map((dim, i) => dim + (before[i] as number) + (after[i] as number));
    const strides = stridesOf(shape);
    const start = strides.reduce((total, s, axis) => total + s * (before[axis] as number), 0);
    const data = new Float64Array(count(shape)).fill(value);
    offsets(x.shape, strides, start).forEach((to, from) => {
      data[to] = x.data[from] as number;
    });
    return [{ dtype: x.dtype, shape, data }];
  },
  samples: [
    { inputs: [{ shape: ["n", 3] }], attrs: { before: [0, 1], after: [0, 2], value: 0 } },
    {
      inputs: [{ shape: ["n", 2, 3, 1] }],
      attrs: { before: [0, 1, 0, 0], after: [0, 0, 2, 0], value: -1.5 },
    },
    { inputs: [{ shape: ["n", 2] }], attrs: { before: [0, 0], after: [0, 0], value: 0 } },
  ],
});
