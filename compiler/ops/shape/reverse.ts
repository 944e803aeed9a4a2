/** @file Reversal of axes. */
import { defineOp } from "../define-op.js";
import { expectAxes } from "../shared/expect.js";
import { offsets, stridesOf } from "../shared/walk.js";

export const reverse = defineOp({
  kind: "reverse",
  summary: "The elements of some axes in opposite order.",
  inputs: ["x"],
  infer: ([x], { axes }) => {
    expectAxes(axes, x.shape);
    return [x];
  },
  gradient: { backward: ({ b, attrs, grad }) => [b.reverse(grad, attrs)] },
  evaluate: ([x], { axes }) => {
    const strides = stridesOf(x.shape);
    const start = axes.reduce(
      (total, axis) => total + ((x.shape[axis] as number) - 1) * (strides[axis] as number),
      0,
    );
    const signed = strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride));
    const at = offsets(x.shape, signed, start);
    return [{ ...x, data: Float64Array.from(at, (i) => x.data[i] as number) }];
  },
  samples: [
    { inputs: [{ shape: ["n", 4] }], attrs: { axes: [1] } },
    { inputs: [{ shape: ["n", 2, 3] }], attrs: { axes: [0, 2] } },
  ],
});
