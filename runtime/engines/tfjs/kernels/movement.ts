/** @file Constants, and ops that move elements without computing. */
import type { Ops } from "../../../ops.js";
import { allocate, type DType, type HostTensor, sizeOf } from "../../../tensor.js";
import type { MovementOp } from "../../op-families.js";
import type { Backend } from "../backend.js";
import { fromLast, type Tensor, toLast, Value, wholeType } from "../value.js";
import { mergedAxes, onForm } from "./layout.js";

const isIdentity = (perm: readonly number[]): boolean => perm.every((axis, i) => axis === i);

function filled(
  dtype: DType,
  shape: readonly number[],
  value: number | readonly number[],
): HostTensor {
  const data = allocate(dtype, sizeOf(shape));
  if (typeof value === "number") data.fill(value);
  else data.set(value);
  return { dtype, shape, data };
}

export function movementOps(b: Backend): Pick<Ops<Value>, MovementOp> {
  const { tf } = b;
  const constant = (host: HostTensor): Value => Value.fed(tf, host);

  /** The permutation, after the image was taken with its channels last if that is how it is there. */
  function transpose(x: Value, perm: readonly number[]): Value {
    if (isIdentity(perm)) return x;
    if (x.isLast && !x.isPlain) {
      const composed = perm.map((axis) => fromLast[axis] as number);
      if (isIdentity(composed)) return b.plain(x.dtype, x.last());
      return b.plain(x.dtype, tf.transpose(x.last(), composed));
    }
    // Reading NHWC as NCHW: the image is there, with its channels last.
    if (perm.join() === fromLast.join()) return new Value(tf, x.dtype, { last: x.plain() });
    if (x.isLast && perm.join() === toLast.join()) return b.plain(x.dtype, x.last());
    return b.plain(x.dtype, tf.transpose(x.plain(), [...perm]));
  }

  function pad(tensor: Tensor, amounts: readonly (readonly [number, number])[], value: number) {
    const touched = amounts.map(([before, after]) => before + after > 0);
    if (!touched.includes(true)) return tensor;
    const merged = mergedAxes(tensor.shape, touched);
    const sides = merged.from.map((axis): [number, number] => [
      ...(axis === null ? ([0, 0] as const) : (amounts[axis] as readonly [number, number])),
    ]);
    const padded = tf.pad(tf.reshape(tensor, [...merged.shape]), sides, value);
    return tf.reshape(
      padded,
      tensor.shape.map((size, axis) => {
        const [before, after] = amounts[axis] as readonly [number, number];
        return size + before + after;
      }),
    );
  }

  function reverse(tensor: Tensor, axes: readonly number[]): Tensor {
    const merged = mergedAxes(
      tensor.shape,
      tensor.shape.map((_, axis) => axes.includes(axis)),
    );
    const places = merged.from.flatMap((axis, place) => (axis === null ? [] : [place]));
    if (places.length === 0) return tensor;
    const turned = tf.reverse(tf.reshape(tensor, [...merged.shape]), places);
    return tf.reshape(turned, tensor.shape);
  }

  function scatterAdd(indices: Tensor, updates: Tensor, rows: number): Tensor {
    if (b.ways.segmentSum === "kernel") {
      return b.kernel(
        "UnsortedSegmentSum",
        { x: updates, segmentIds: indices },
        { numSegments: rows },
      );
    }
    // Rows that are named twice are added up.
    const places = tf.reshape(indices, [indices.size, 1]) as Parameters<typeof tf.scatterND>[0];
    return tf.scatterND(places, updates, [rows, ...updates.shape.slice(1)]);
  }

  return {
    constant: ({ dtype, shape, value }) => constant(filled(wholeType(dtype), shape, value)),
    size: ({ shape }) => constant(filled("f32", [], sizeOf(shape))),

    reshape: (x, { shape }) => b.plain(x.dtype, tf.reshape(x.plain(), [...shape])),
    transpose: (x, { perm }) => transpose(x, perm),

    broadcastTo(x, { shape }) {
      const padded = [...new Array<number>(shape.length - x.shape.length).fill(1), ...x.shape];
      const touched = shape.map((size, axis) => size !== padded[axis]);
      if (!touched.includes(true)) return b.plain(x.dtype, tf.reshape(x.plain(), [...shape]));
      const merged = mergedAxes(padded, touched);
      const counts = merged.from.map((axis) => (axis === null ? 1 : (shape[axis] as number)));
      const tiled = tf.tile(tf.reshape(x.plain(), [...merged.shape]), counts);
      return b.plain(x.dtype, tf.reshape(tiled, [...shape]));
    },

    slice: (x, { axes, starts, ends }) =>
      onForm(b, x, (tensor, place) => {
        const begin = tensor.shape.map(() => 0);
        const size = [...tensor.shape];
        axes.forEach((axis, i) => {
          begin[place(axis)] = starts[i] as number;
          size[place(axis)] = (ends[i] as number) - (starts[i] as number);
        });
        return tf.slice(tensor, begin, size);
      }),

    pad: (x, { before, after, value }) =>
      onForm(b, x, (tensor, place) => {
        const amounts: (readonly [number, number])[] = [];
        before.forEach((left, axis) => {
          amounts[place(axis)] = [left, after[axis] as number];
        });
        return pad(tensor, amounts, value);
      }),

    reverse: (x, { axes }) => onForm(b, x, (tensor, place) => reverse(tensor, axes.map(place))),

    concat(xs, { axis }) {
      const first = xs[0] as Value;
      const last = xs.every((x) => x.isLast);
      const joined = last
        ? tf.concat(
            xs.map((x) => x.last()),
            fromLast[axis] as number,
          )
        : tf.concat(
            xs.map((x) => x.plain()),
            axis,
          );
      return new Value(tf, first.dtype, last ? { last: joined } : { plain: joined });
    },

    gather(x, indices, { axis }) {
      const flat = tf.reshape(indices.plain(), [indices.size]);
      const rows = tf.gather(x.plain(), flat, axis);
      const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
      return b.plain(x.dtype, tf.reshape(rows, shape));
    },

    scatterAdd(indices, updates, { rows }) {
      const tail = updates.shape.slice(indices.shape.length);
      const flat = tf.reshape(indices.plain(), [indices.size]);
      const matrix = tf.reshape(updates.plain(), [indices.size, sizeOf(tail)]);
      const sums = scatterAdd(flat, matrix, rows);
      return b.plain(updates.dtype, tf.reshape(sums, [rows, ...tail]));
    },

    oneHot(indices, { depth, on, off }) {
      const flat = tf.reshape(indices.plain(), [indices.size]);
      // wasm is wrong for float32, and for `on` and `off` that are not whole.
      const whole = tf.reshape(tf.oneHot(flat, depth, 1, 0, "int32"), [...indices.shape, depth]);
      const hot = tf.cast(whole, "float32");
      return b.plain("f32", on === 1 && off === 0 ? hot : tf.add(tf.mul(hot, on - off), off));
    },
  };
}
