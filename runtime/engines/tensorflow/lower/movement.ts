/** @file Constants, shapes and movement of elements. */
import type { Ops } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import { dim } from "../../geometry.js";
import type { MovementOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

/** Rows of x along an axis. */
export function gatherRows(p: Primitives, x: Handle, indices: Handle, axis: number): Handle {
  const shape = x.shape.toSpliced(axis, 1, ...indices.shape);
  return p.node("GatherV2", [x, indices, p.scalar(axis, "i32")], shape, {
    Tparams: { type: x.dtype },
    Tindices: { type: indices.dtype },
    Taxis: { type: "i32" },
    batch_dims: { int: 0 },
  });
}

export function movementOps(p: Primitives): Pick<Ops<Handle>, MovementOp> {
  return {
    constant: ({ dtype, shape, value }) => p.constant(dtype, shape, value),
    size: ({ shape }) => p.scalar(sizeOf(shape)),
    reshape: (x, { shape }) => p.reshape(x, shape),
    transpose: (x, { perm }) => p.transpose(x, perm),
    broadcastTo: (x, { shape }) => p.broadcastTo(x, shape),
    slice(x, { axes, starts, ends }) {
      const begin = x.shape.map(() => 0);
      const size = [...x.shape];
      axes.forEach((axis, i) => {
        begin[axis] = dim(starts, i);
        size[axis] = dim(ends, i) - dim(starts, i);
      });
      return p.slice(x, begin, size);
    },
    pad: (x, { before, after, value }) => p.pad(x, before, after, value),
    reverse: (x, { axes }) => p.reverse(x, axes),
    concat: (xs, { axis }) => p.concat(xs, axis),
    gather: (x, indices, { axis }) => gatherRows(p, x, indices, axis),
    scatterAdd(indices, updates, { rows }) {
      const shape = [rows, ...updates.shape.slice(indices.shape.length)];
      return p.typed("UnsortedSegmentSum", [updates, indices, p.scalar(rows, "i32")], shape, {
        Tindices: { type: indices.dtype },
        Tnumsegments: { type: "i32" },
      });
    },
    oneHot: (indices, { depth, on, off }) =>
      p.node(
        "OneHot",
        [indices, p.scalar(depth, "i32"), p.scalar(on), p.scalar(off)],
        [...indices.shape, depth],
        { T: { type: "f32" }, TI: { type: indices.dtype }, axis: { int: -1 } },
        "f32",
      ),
  };
}
