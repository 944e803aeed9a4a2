/** @file Shapes and windows, worked out the same way for every engine. */
import type { AvgPoolOptions, Pair, PoolOptions } from "../ops.js";

export type Shape = readonly number[];

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);

/** A dimension that must exist. */
export function dim(shape: Shape, axis: number): number {
  const value = shape[axis];
  if (value === undefined) throw new Error(`shape [${shape.join()}] has no axis ${axis}`);
  return value;
}

/** The shape of two operands together, as in NumPy. */
export function broadcastShape(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new Error(`[${a.join()}] and [${b.join()}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

/** Rows that a window of `kernel` taps reaches over. */
export const reach = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/** Windows side by side: every pixel belongs to one window at most. */
export const sideBySide = ({ kernel, strides, pads }: PoolOptions): boolean =>
  kernel[0] === strides[0] && kernel[1] === strides[1] && pads.every((n) => n === 0);

/**
 * By how many pixels each window of an average pool divides, row by row: those inside the image, or the whole
 * window's with `countPadding`. `size` is the image's, `output` how many windows there are along its axes.
 */
export function windowCounts(size: Pair, output: Pair, options: AvgPoolOptions): number[] {
  const { kernel, strides, pads, countPadding } = options;
  const along = (axis: 0 | 1, index: number): number => {
    const start = index * strides[axis] - pads[axis];
    return Math.min(start + kernel[axis], size[axis]) - Math.max(start, 0);
  };
  return Array.from({ length: output[0] * output[1] }, (_, i) =>
    countPadding
      ? kernel[0] * kernel[1]
      : along(0, Math.floor(i / output[1])) * along(1, i % output[1]),
  );
}

/** What turns the mean over a whole window, padding included, into that over its pixels inside the image. */
export function windowShares(size: Pair, output: Pair, options: AvgPoolOptions): number[] {
  const [kh, kw] = options.kernel;
  const inside = windowCounts(size, output, { ...options, countPadding: false });
  return inside.map((count) => (kh * kw) / count);
}
