/** @file Contiguous parts of tensors. */
import { shapeOf } from "../../ir/types.js";
import { defineOp, Rejection } from "../define-op.js";
import { expectAxes, expectStatic } from "../shared/expect.js";
import { offsets, stridesOf } from "../shared/walk.js";

interface Ranges {
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** The value for each axis: from `values` where `axes` names it, else from `rest`. */
const perAxis = <T>(
  shape: readonly T[],
  axes: readonly number[],
  values: (position: number) => T,
  rest: (dim: T) => T,
): T[] =>
  shape.map((dim, axis) => {
    const position = axes.indexOf(axis);
    return position < 0 ? rest(dim) : values(position);
  });

const lengthAt = ({ starts, ends }: Ranges, i: number): number =>
  (ends[i] as number) - (starts[i] as number);

export const slice = defineOp({
  kind: "slice",
  summary: "The elements between two positions of some axes.",
  inputs: ["x"],
  infer: ([x], attrs) => {
    const { axes, starts, ends } = attrs;
    expectAxes(axes, x.shape);
    if (starts.length !== axes.length || ends.length !== axes.length) {
      throw new Rejection(
        `${axes.length} axes need as many starts and ends, not ${starts.length} and ${ends.length}`,
      );
    }
    axes.forEach((axis, i) => {
      const dim = expectStatic(x.shape[axis], 0, `axis ${axis} of a slice`);
      const [start, end] = [starts[i] as number, ends[i] as number];
      if (start >= 0 && start < end && end <= dim) return;
      throw new Rejection(
        `${start} to ${end} is not a range within axis ${axis} of size ${dim}`,
        0,
      );
    });
    const shape = perAxis(
      x.shape,
      axes,
      (i) => lengthAt(attrs, i),
      (dim) => dim,
    );
    return [{ dtype: x.dtype, shape }];
  },
  gradient: {
    backward: ({ b, inputs: [x], attrs: { axes, starts, ends }, grad }) => {
      const shape = shapeOf(x);
      const zeros = shape.map(() => 0);
      const before = perAxis(
        zeros,
        axes,
        (i) => starts[i] as number,
        () => 0,
      );
      const after = zeros.map((_, axis) => {
        const i = axes.indexOf(axis);
        return i < 0 ? 0 : (shape[axis] as number) - (ends[i] as number);
      });
      return [b.pad(grad, { before, after, value: 0 })];
    },
  },
  evaluate: ([x], attrs) => {
    const shape = perAxis(
      x.shape,
      attrs.axes,
      (i) => lengthAt(attrs, i),
      (dim) => dim,
    );
    const strides = stridesOf(x.shape);
    const start = attrs.axes.reduce(
      (total, axis, i) => total + (attrs.starts[i] as number) * (strides[axis] as number),
      0,
    );
    const at = offsets(shape, strides, start);
    return [{ dtype: x.dtype, shape, data: Float64Array.from(at, (i) => x.data[i] as number) }];
  },
  samples: [
    { inputs: [{ shape: ["n", 5] }], attrs: { axes: [1], starts: [1], ends: [4] } },
    { inputs: [{ shape: ["n", 4, 3, 2] }], attrs: { axes: [1, 3], starts: [0, 1], ends: [3, 2] } },
    { inputs: [{ shape: [4], dtype: "i32" }], attrs: { axes: [0], starts: [3], ends: [4] } },
  ],
});
