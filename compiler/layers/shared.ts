/** @file What several layers check and need. */
import type { Pads, Pair } from "@dlc/runtime";
import { formatShape, isStatic } from "../ir/shape.js";
import { shapeOf, type Value } from "../ir/types.js";
import type { Builder } from "../ops/define-op.js";
import { flag, initializer, number, type Padding } from "./fields.js";

type Reject = (reason: string, field?: string) => never;

/** Fields that dense and all convolutions share, for spreading. */
export const kernelFields = {
  bias: flag("Add a trained bias to every output.", true),
  kernel_initializer: initializer("How the kernel starts.", "glorot_uniform"),
  bias_initializer: initializer("How the bias starts.", "zeros"),
  l1: number("Penalty on the absolute values of the kernel: l1·Σ|w|.", { minimum: 0 }, 0),
  l2: number("Penalty on the squares of the kernel: l2·Σw².", { minimum: 0 }, 0),
};

export interface ImageSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The sizes of `[n, height, width, channels]`; anything else is rejected. */
export function imageSize(x: Value, reject: Reject): ImageSize {
  const shape = shapeOf(x);
  const [batch, height, width, channels, ...more] = shape;
  if (
    batch === undefined ||
    typeof height !== "number" ||
    typeof width !== "number" ||
    typeof channels !== "number" ||
    more.length > 0
  ) {
    return reject(`needs images [n,height,width,channels], but its input is ${formatShape(shape)}`);
  }
  return { height, width, channels };
}

/** The sizes of `[n, length, channels]`; anything else is rejected. */
export function sequenceSize(x: Value, reject: Reject): { length: number; channels: number } {
  const shape = shapeOf(x);
  const [batch, length, channels, ...more] = shape;
  if (
    batch === undefined ||
    typeof length !== "number" ||
    typeof channels !== "number" ||
    more.length > 0
  ) {
    return reject(`needs sequences [n,length,channels], but its input is ${formatShape(shape)}`);
  }
  return { length, channels };
}

/** The size of the last axis of `[n, …, size]`; an input without one is rejected. */
export function lastSize(x: Value, reject: Reject): number {
  const shape = shapeOf(x);
  const last = shape.at(-1);
  if (shape.length < 2 || typeof last !== "number") {
    return reject(
      `needs an input with at least one axis besides the batch, but its input is ${formatShape(shape)}`,
    );
  }
  return last;
}

/** All sizes besides the batch. */
export function exampleShape(x: Value, reject: Reject): readonly number[] {
  const [, ...sizes] = shapeOf(x);
  if (sizes.every(isStatic)) return sizes;
  return reject(`needs an input of known size, but its input is ${formatShape(shapeOf(x))}`);
}

/** f32 scalar. */
export const scalar = (b: Builder, value: number): Value =>
  b.constant({ dtype: "f32", shape: [], value });

/** Extent of a kernel whose taps are `dilation` apart. */
export const extent = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/**
 * Zeros to put before and after an axis. `same` as TensorFlow defines it: the output has
 * ceil(size / stride) elements, and of an odd number of zeros the extra one goes to the end.
 */
export function padsOf(
  padding: Padding,
  size: Pair,
  kernel: Pair,
  stride: Pair,
  dilation: Pair = [1, 1],
): Pads {
  if (padding === "valid") return [0, 0, 0, 0];
  if (padding !== "same") return [padding[0], padding[1], padding[0], padding[1]];
  const total = ([0, 1] as const).map((axis) => {
    const outputs = Math.ceil(size[axis] / stride[axis]);
    const needed = (outputs - 1) * stride[axis] + extent(kernel[axis], dilation[axis]);
    return Math.max(needed - size[axis], 0);
  });
  const [vertical = 0, horizontal = 0] = total;
  const top = Math.floor(vertical / 2);
  const left = Math.floor(horizontal / 2);
  return [top, left, vertical - top, horizontal - left];
}

/** How messages write two sizes. */
export type ShowPair = (pair: Pair) => string;
export const showImage: ShowPair = ([height, width]) => `${height}×${width}`;
/** A sequence is an image of height 1, which its user does not know. */
export const showSequence: ShowPair = ([, length]) => String(length);

/** A kernel or pool that is slid over an image, as messages name it. */
export interface Window {
  readonly what: string;
  /** The field that sets its size. */
  readonly field: string;
  readonly kernel: Pair;
  readonly dilation: Pair;
  readonly show: ShowPair;
}

/** Rejects a window that is larger than the padded input. */
export function checkWindow(window: Window, size: Pair, pads: Pads, reject: Reject): void {
  const { what, field, kernel, dilation, show } = window;
  const padded: Pair = [size[0] + pads[0] + pads[2], size[1] + pads[1] + pads[3]];
  const reach: Pair = [extent(kernel[0], dilation[0]), extent(kernel[1], dilation[1])];
  if (reach[0] <= padded[0] && reach[1] <= padded[1]) return;
  const gaps = show(reach) === show(kernel) ? "" : ` (${show(reach)} with its dilation)`;
  const border = pads.some((p) => p > 0) ? " (with its padding)" : "";
  reject(`${what} ${show(kernel)}${gaps} does not fit an input of ${show(padded)}${border}`, field);
}
