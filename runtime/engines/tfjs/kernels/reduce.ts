/** @file Reductions. */
import type { Ops, ReduceOptions } from "../../../ops.js";
import type { ReductionOp } from "../../op-families.js";
import type { Backend } from "../backend.js";
import { type Tensor, toLast, Value } from "../value.js";
import { product } from "./linear.js";

type Reduction = (x: Tensor, axes: number[], keepDims: boolean) => Tensor;

/** Reduced to a value with the axes that are left in order; on the image's own layout where that allows it. */
function reduce(
  b: Backend,
  x: Value,
  { axes, keepDims }: ReduceOptions,
  compute: Reduction,
): Value {
  if (axes.length === 0) return x;
  const left = toLast.filter((axis) => !axes.includes(axis) && x.shape[axis] !== 1);
  const inOrder = left.every((axis, i) => i === 0 || axis > (left[i - 1] as number));
  if (!x.isLast || !(keepDims || inOrder)) {
    return b.plain(x.dtype, compute(x.plain(), [...axes], keepDims));
  }
  const places = toLast.flatMap((axis, place) => (axes.includes(axis) ? [place] : []));
  const result = compute(x.last(), places, keepDims);
  if (keepDims) return new Value(b.tf, x.dtype, { last: result });
  const shape = x.shape.filter((_, axis) => !axes.includes(axis));
  return b.plain(x.dtype, b.tf.reshape(result, shape));
}

/** The most rows that are added up in one go where a product does it: rounding grows with their number. */
const longestSum = 128;

/** How many equal parts of a number of rows are added up first; all, where it has no such part. */
function partsOf(rows: number): number {
  for (let parts = Math.min(rows, longestSum); parts > 1; parts--) {
    if (rows % parts === 0) return parts;
  }
  return Math.max(1, rows);
}

/** A row of ones times the matrix whose rows are parts of all rows, until one row is left. */
function sumByProducts(b: Backend, matrix: Tensor, rows: number, columns: number): Tensor {
  const parts = partsOf(rows);
  const ones = b.fill([1, 1, parts], 1);
  const sums = product(b, ones, b.tf.reshape(matrix, [1, parts, (rows / parts) * columns]));
  return parts === rows
    ? b.tf.reshape(sums, [columns])
    : sumByProducts(b, sums, rows / parts, columns);
}

/** Sums over all axes but the last, [columns]. */
export function columnSums(b: Backend, x: Tensor): Tensor {
  const columns = x.shape.at(-1) as number;
  const rows = x.size / columns;
  return b.ways.columnSum === "matmul" && x.dtype === "float32"
    ? sumByProducts(b, x, rows, columns)
    : b.tf.sum(b.tf.reshape(x, [rows, columns]), 0);
}

export function reduceOps(b: Backend): Pick<Ops<Value>, ReductionOp> {
  const { tf } = b;

  const sum: Reduction = (x, axes, keepDims) => {
    const rank = x.shape.length;
    const leading = axes.length === rank - 1 && !axes.includes(rank - 1);
    if (!leading || x.size === 0) return tf.sum(x, axes, keepDims);
    const sums = columnSums(b, x);
    return keepDims
      ? tf.reshape(
          sums,
          x.shape.map((size, axis) => (axis === rank - 1 ? size : 1)),
        )
      : sums;
  };

  return {
    sum: (x, options) => reduce(b, x, options, sum),
    mean: (x, options) =>
      reduce(b, x, options, (t, axes, keepDims) => {
        const count = axes.reduce((product, axis) => product * (t.shape[axis] as number), 1);
        return tf.mul(sum(t, axes, keepDims), 1 / count);
      }),
    max: (x, options) => reduce(b, x, options, (t, axes, keepDims) => tf.max(t, axes, keepDims)),
    min: (x, options) => reduce(b, x, options, (t, axes, keepDims) => tf.min(t, axes, keepDims)),
    argMax(x, { axis }) {
      // The channels of an image: what is left is in order.
      const channels = x.isLast && axis === 1;
      const [tensor, place] = channels ? [x.last(), 3] : [x.plain(), axis];
      return b.plain("i32", tf.argMax(tensor, place));
    },
  };
}
