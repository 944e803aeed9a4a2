/** @file Constants, shapes and movement of elements. */
import type { Ops } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import { dim } from "../../geometry.js";
import type { MovementOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";
import { padImage, sliceImage } from "./blocked.js";

export function movementOps(p: Primitives): Pick<Ops<Handle>, MovementOp> {
  return {
    constant: ({ dtype, shape, value }) => p.constant(dtype, shape, value),
    size: ({ shape }) => p.scalar(sizeOf(shape)),
    reshape: (x, { shape }) => p.reshape(x, shape),
    transpose: (x, { perm }) => p.transpose(x, perm),
    broadcastTo: (x, { shape }) => p.expand(x, shape),
    slice: (x, { axes, starts, ends }) =>
      sliceImage(
        p,
        x,
        axes.map((axis, i) => ({ axis, start: dim(starts, i), end: dim(ends, i) })),
      ),
    pad: (x, { before, after, value }) =>
      value === 0 ? padImage(p, x, before, after) : p.pad(x, before, after, value),
    reverse: (x, { axes }) =>
      axes.reduce((value, axis) => {
        const size = dim(value.shape, axis);
        return p.rows(
          value,
          axis,
          Array.from({ length: size }, (_, i) => size - 1 - i),
        );
      }, x),
    concat: (xs, { axis }) => p.concat(xs, axis),
    gather: (x, indices, { axis }) =>
      p.moved(x, (words) =>
        p.node("Gather", [words, indices], x.shape.toSpliced(axis, 1, ...indices.shape), { axis }),
      ),
    scatterAdd(indices, updates, { rows }) {
      const count = sizeOf(indices.shape);
      const tail = updates.shape.slice(indices.shape.length);
      const shape = [rows, ...tail];
      return p.node(
        "ScatterND",
        [
          p.constant(updates.dtype, shape, 0),
          p.cast(p.reshape(indices, [count, 1]), "i64"),
          p.reshape(updates, [count, ...tail]),
        ],
        shape,
        { reduction: "add" },
      );
    },
    // By comparing: OneHot has no kernel for i32 indices, and rows out of range become all `off`.
    oneHot(indices, { depth, on, off }) {
      const classes = p.constant(
        "i32",
        [depth],
        Array.from({ length: depth }, (_, i) => i),
      );
      const column = p.reshape(indices, [...indices.shape, 1]);
      const hit = p.binary("Equal", column, classes, "bool");
      if (on === 1 && off === 0) return p.cast(hit, "f32");
      return p.where(hit, p.scalar(on), p.scalar(off));
    },
  };
}
