/** @file Images in the layout of TensorFlow.js, which is NHWC, and shapes of tensors. */
import type { Layout, Pads, Pair } from "../../../ops.js";
import type { Backend } from "../backend.js";
import type { Tensor, Tf } from "../value.js";
import { Value } from "../value.js";

export type Sizes = readonly [n: number, h: number, w: number, c: number];

/** An image with its channels last. */
export const toNhwc = (x: Value, layout: Layout): Tensor =>
  layout === "NCHW" ? x.last() : x.plain();

/** The value that an image with its channels last is, in a program of that layout. */
export const fromNhwc = (b: Backend, tensor: Tensor, layout: Layout): Value =>
  layout === "NCHW" ? b.image(tensor) : b.plain("f32", tensor);

export const sizesOf = (image: Tensor): Sizes => image.shape as unknown as Sizes;

/** Padding as kernels take it. */
export const explicit = ([top, left, bottom, right]: Pads) => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

/** Zeros, or another value, around height and width; where an amount is negative, rows or columns less. */
export function frame(tf: Tf, image: Tensor, [top, left, bottom, right]: Pads, value = 0): Tensor {
  const [n, h, w, c] = sizesOf(image);
  const cut = (amount: number): number => Math.max(0, -amount);
  const grow = (amount: number): number => Math.max(0, amount);
  const sides = [top, left, bottom, right];
  const kept = sides.every((side) => side >= 0)
    ? image
    : tf.slice(
        image,
        [0, cut(top), cut(left), 0],
        [n, h - cut(top) - cut(bottom), w - cut(left) - cut(right), c],
      );
  if (sides.every((side) => side <= 0)) return kept;
  const amounts: [number, number][] = [
    [0, 0],
    [grow(top), grow(bottom)],
    [grow(left), grow(right)],
    [0, 0],
  ];
  return tf.pad(kept, amounts, value);
}

export interface WindowPart {
  readonly row: number;
  readonly column: number;
  readonly part: Tensor;
}

/** For each place of a window, the elements of a padded image that are there in the windows. */
export function windowParts(
  tf: Tf,
  padded: Tensor,
  axes: Pair,
  windows: Pair,
  { kernel, strides, dilations }: Record<"kernel" | "strides" | "dilations", Pair>,
): readonly WindowPart[] {
  const stepped = strides[0] !== 1 || strides[1] !== 1;
  return Array.from({ length: kernel[0] * kernel[1] }, (_, i) => {
    const [row, column] = [Math.floor(i / kernel[1]), i % kernel[1]];
    const begin = padded.shape.map(() => 0);
    const size = [...padded.shape];
    const step = padded.shape.map(() => 1);
    for (const [k, offset] of [row, column].entries()) {
      const [axis, stride] = [axes[k] as number, strides[k] as number];
      begin[axis] = offset * (dilations[k] as number);
      size[axis] = ((windows[k] as number) - 1) * stride + 1;
      step[axis] = stride;
    }
    const end = begin.map((start, axis) => start + (size[axis] as number));
    const part = stepped
      ? tf.stridedSlice(padded, begin, end, step)
      : tf.slice(padded, begin, size);
    return { row, column, part };
  });
}

/**
 * Merges neighbouring axes that an op leaves alone, for kernels that take few axes: the shape in which
 * to run it, and for each of its axes which old one it was (null: one that is left alone).
 */
export function mergedAxes(
  shape: readonly number[],
  touched: readonly boolean[],
): { readonly shape: readonly number[]; readonly from: readonly (number | null)[] } {
  const merged: number[] = [];
  const from: (number | null)[] = [];
  shape.forEach((size, axis) => {
    if (touched[axis]) {
      merged.push(size);
      from.push(axis);
    } else if (from.length > 0 && from.at(-1) === null) {
      merged[merged.length - 1] = (merged.at(-1) as number) * size;
    } else {
      merged.push(size);
      from.push(null);
    }
  });
  return { shape: merged, from };
}

/** An op that looks at each axis by itself, on the tensors in the order of the shapes or on images. */
export function onForm(
  b: Backend,
  x: Value,
  compute: (tensor: Tensor, axis: (logical: number) => number) => Tensor,
): Value {
  const last = x.isLast;
  const places = [0, 3, 1, 2];
  const result = last
    ? compute(x.last(), (axis) => places[axis] as number)
    : compute(x.plain(), (axis) => axis);
  return new Value(b.tf, x.dtype, last ? { last: result } : { plain: result });
}
