/** @file Images in the engine's own layout, which is NCHW. */
import type { Layout, Pair } from "../../../ops.js";
import type { Handle } from "../graph.js";
import { dim, type Primitives } from "../primitives.js";

export const toNchw = (p: Primitives, x: Handle, layout: Layout): Handle =>
  layout === "NCHW" ? x : p.transpose(x, [0, 3, 1, 2]);

export const fromNchw = (p: Primitives, x: Handle, layout: Layout): Handle =>
  layout === "NCHW" ? x : p.transpose(x, [0, 2, 3, 1]);

/** The four sizes of an NCHW image. */
export function sizesOf(x: Handle): readonly [n: number, c: number, h: number, w: number] {
  return [dim(x.shape, 0), dim(x.shape, 1), dim(x.shape, 2), dim(x.shape, 3)];
}

/** Grows an NCHW image to `size` with zeros below and to the right. */
export function growTo(p: Primitives, x: Handle, [height, width]: Pair): Handle {
  const [, , h, w] = sizesOf(x);
  return p.pad(x, [0, 0, 0, 0], [0, 0, height - h, width - w]);
}
