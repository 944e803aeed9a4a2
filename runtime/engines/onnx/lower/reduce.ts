/** @file Reductions. */
import type { Ops, ReduceOptions } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import { dim } from "../../geometry.js";
import type { ReductionOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Primitives, ReduceOp } from "../primitives.js";
import { channelSums } from "./blocked.js";

/** A run of neighbouring axes that are all reduced or all kept. */
interface Run {
  readonly reduced: boolean;
  readonly size: number;
}

function runsOf(shape: readonly number[], axes: readonly number[]): readonly Run[] {
  const runs: Run[] = [];
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const reduced = axes.includes(axis);
    const last = runs.at(-1);
    if (last?.reduced === reduced) runs[runs.length - 1] = { reduced, size: last.size * size };
    else runs.push({ reduced, size });
  });
  return runs;
}

/**
 * A reduction, one run of axes after the other from the last to the first.
 * Measured for axes [0,2,3] of [32,64,32,32]: [2] of [N,C,HW] and then [0] takes 0.24 ms (2 threads)
 * and 0.33 ms (1 thread), the single ReduceSum 0.55 and 0.81 ms. Sums are also more accurate.
 */
export function reduceInStages(
  p: Primitives,
  op: ReduceOp,
  x: Handle,
  { axes, keepDims }: ReduceOptions,
): Handle {
  const shape = keepDims
    ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : x.shape.filter((_, axis) => !axes.includes(axis));
  const runs = [...runsOf(x.shape, axes)];
  let value = x;
  while (runs.some((run) => run.reduced)) {
    const axis = runs.findLastIndex((run) => run.reduced);
    value = p.reduce(
      op,
      p.reshape(
        value,
        runs.map((run) => run.size),
      ),
      [axis],
      false,
    );
    runs.splice(axis, 1);
    const [before, after] = [runs[axis - 1], runs[axis]];
    // What lay on either side of the reduced run are now neighbours.
    if (before !== undefined && after !== undefined) {
      runs.splice(axis - 1, 2, { reduced: before.reduced, size: before.size * after.size });
    }
  }
  return p.reshape(value, shape);
}

/** Sum over the first axis as a product with ones: MLAS's matrix product beats ReduceSum there. */
export function sumOverFirst(p: Primitives, x: Handle): Handle {
  const n = dim(x.shape, 0);
  const tail = x.shape.slice(1);
  const ones = p.constant("f32", [1, n], 1);
  const rows = p.reshape(p.cast(x, "f32"), [n, sizeOf(tail)]);
  return p.cast(p.reshape(p.matmul(ones, rows), tail), x.dtype);
}

export function reduceOps(p: Primitives): Pick<Ops<Handle>, ReductionOp> {
  const stages = (op: ReduceOp) => (x: Handle, options: ReduceOptions) =>
    reduceInStages(p, op, x, options);
  return {
    sum(x, options) {
      const perChannel = options.axes.join() === "0,2,3" && x.shape.length === 4;
      const sums = perChannel ? channelSums(p, x) : null;
      if (sums === null) return reduceInStages(p, "ReduceSum", x, options);
      return options.keepDims ? p.reshape(sums, [1, dim(x.shape, 1), 1, 1]) : sums;
    },
    mean: stages("ReduceMean"),
    max: stages("ReduceMax"),
    min: stages("ReduceMin"),
    argMax(x, { axis }) {
      if (p.target.has.int64) {
        const shape = x.shape.toSpliced(axis, 1);
        return p.cast(p.node("ArgMax", [x], shape, { axis, keepdims: 0 }, "i64"), "i32");
      }
      // The least index of those that equal the maximum; that of a row without any (NaN) is the last.
      const size = dim(x.shape, axis);
      const index = p.constant(
        "i32",
        [size, ...new Array<number>(x.shape.length - 1 - axis).fill(1)],
        Array.from({ length: size }, (_, i) => i),
      );
      const hit = p.binary("Equal", x, p.reduce("ReduceMax", x, [axis], true), "bool");
      const candidates = p.where(hit, index, p.scalar(size - 1, "i32"));
      return p.reduce("ReduceMin", candidates, [axis], false);
    },
  };
}
