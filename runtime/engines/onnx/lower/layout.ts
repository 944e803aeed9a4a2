/** @file Images in the engine's own layout, which is NCHW. */
import type { Layout } from "../../../ops.js";
import { dim } from "../../geometry.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

export const toNchw = (p: Primitives, x: Handle, layout: Layout): Handle =>
  layout === "NCHW" ? x : p.transpose(x, [0, 3, 1, 2]);

export const fromNchw = (p: Primitives, x: Handle, layout: Layout): Handle =>
  layout === "NCHW" ? x : p.transpose(x, [0, 2, 3, 1]);

/** The four sizes of an NCHW image. */
export function sizesOf(x: Handle): readonly [n: number, c: number, h: number, w: number] {
  return [dim(x.shape, 0), dim(x.shape, 1), dim(x.shape, 2), dim(x.shape, 3)];
}
