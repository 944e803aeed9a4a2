/** @file Position of the largest element. */
import { defineOp } from "../define-op.js";
import { expectAxis, expectDtype, numbers } from "../shared/expect.js";
import { reducedShape } from "../shared/reductions.js";
import { count } from "../shared/walk.js";

export const argMax = defineOp({
  kind: "argMax",
  summary: "Index of the first largest element along an axis, which disappears.",
  inputs: ["x"],
  infer: ([x], { axis }) => {
    expectDtype(x, numbers, 0);
    expectAxis(axis, x.shape);
    return [{ dtype: "i32", shape: reducedShape(x.shape, { axes: [axis], keepDims: false }) }];
  },
  gradient: { none: "an index jumps between whole numbers", zero: true },
  evaluate: ([x], { axis }) => {
    const shape = reducedShape(x.shape, { axes: [axis], keepDims: false });
    const length = x.shape[axis] as number;
    const inner = count(x.shape.slice(axis + 1));
    const data = new Float64Array(count(shape)).map((_, i) => {
      const start = Math.floor(i / inner) * length * inner + (i % inner);
      const value = (k: number): number => x.data[start + k * inner] as number;
      let best = 0;
      for (let k = 1; k < length; k++) if (value(k) > value(best)) best = k;
      return best;
    });
    return [{ dtype: "i32", shape, data }];
  },
  samples: [
    { inputs: [{ shape: ["n", 4], distinct: true }], attrs: { axis: 1 } },
    { inputs: [{ shape: ["n", 3, 2], distinct: true }], attrs: { axis: 1 } },
    { inputs: [{ shape: ["n", 3], distinct: true }], attrs: { axis: 0 } },
    { inputs: [{ shape: [2, 3], values: [1, 1, 0, 2, 5, 5] }], attrs: { axis: 1 } },
  ],
});
