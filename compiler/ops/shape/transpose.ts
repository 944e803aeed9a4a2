/** @file Permutation of axes. */
import { formatShape } from "../../ir/shape.js";
import { defineOp, Rejection } from "../define-op.js";
import { offsets, stridesOf } from "../shared/walk.js";

/** The permutation that undoes `perm`. */
const inverse = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis));

export const transpose = defineOp({
  kind: "transpose",
  summary: "Reorders axes: axis i of the result is axis perm[i] of x.",
  inputs: ["x"],
  infer: ([x], { perm }) => {
    const rank = x.shape.length;
    if (perm.length !== rank || x.shape.some((_, axis) => !perm.includes(axis))) {
      const expected = `each axis of ${formatShape(x.shape)} once`;
      throw new Rejection(`perm must name ${expected}, not [${perm.join(",")}]`, 0);
    }
    return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis] ?? 1) }];
  },
  gradient: {
    backward: ({ b, attrs, grad }) => [b.transpose(grad, { perm: inverse(attrs.perm) })],
  },
  evaluate: ([x], { perm }) => {
    const shape = perm.map((axis) => x.shape[axis] as number);
    const own = stridesOf(x.shape);
    const at = offsets(
      shape,
      perm.map((axis) => own[axis] as number),
    );
    return [{ dtype: x.dtype, shape, data: Float64Array.from(at, (i) => x.data[i] as number) }];
  },
  samples: [
    { inputs: [{ shape: ["n", 3] }], attrs: { perm: [1, 0] } },
    { inputs: [{ shape: ["n", 2, 3, 4] }], attrs: { perm: [0, 3, 1, 2] } },
    { inputs: [{ shape: [2, 3, 4] }], attrs: { perm: [2, 0, 1] } },
    { inputs: [{ shape: [2, 3], dtype: "i32" }], attrs: { perm: [1, 0] } },
  ],
});
