/**
 * @file Does not compute pixels that nothing reads.
 *
 * A pool of size 2 over 13 rows ignores the last one, so the convolution before it need not compute
 * that row, nor whatever came before it. The demand for rows and columns is followed from the results
 * backwards; what can produce fewer of them does, and the first tensor that cannot is sliced. Runs
 * on the forward graph, channels-last: the gradients of the smaller graph are right by themselves.
 */
import { isStatic } from "../ir/shape.js";
import { nodesOf } from "../ir/traverse.js";
import { type Attributes, type Graph, type Node, shapeOf, type Value } from "../ir/types.js";
import type { Builder } from "../ops/define-op.js";
import { definePass } from "./define-pass.js";
import { elementwiseOps } from "./match.js";
import { copyNode, rebuild } from "./rebuild.js";

/** Rows and columns. */
type Size = readonly [height: number, width: number];

/** Axes of height and width. */
const spatialAxes = [1, 2] as const;
const elementwise: ReadonlySet<string> = new Set(elementwiseOps);

/** The size of an image with static height and width; null for anything else. */
function sizeOf(value: Value): Size | null {
  const [, height, width, ...rest] = shapeOf(value);
  if (rest.length !== 1 || height === undefined || width === undefined) return null;
  return isStatic(height) && isStatic(width) ? [height, width] : null;
}

const both = (f: (axis: 0 | 1) => number): Size => [f(0), f(1)];
const sameSize = (a: Size, b: Size): boolean => a[0] === b[0] && a[1] === b[1];

interface Window {
  readonly kernel: Size;
  readonly strides: Size;
  readonly dilations: Size;
  readonly pads: readonly [number, number, number, number];
}

/** The sliding window of a convolution or pool, in NHWC. */
function windowOf(node: Node): Window | null {
  const { layout, strides, pads, dilations, kernel } = node.attrs;
  if (layout !== "NHWC" || (node.kind !== "conv2d" && !/^(max|avg)Pool2d$/.test(node.kind)))
    return null;
  const [, filter] = node.inputs;
  const [, , height, width] = filter === undefined ? [] : shapeOf(filter);
  return {
    kernel: node.kind === "conv2d" ? [Number(height), Number(width)] : (kernel as Size),
    strides: strides as Size,
    dilations: (dilations as Size | undefined) ?? [1, 1],
    pads: pads as Window["pads"],
  };
}

/** How far into the image (past its end: into the padding) the windows of `wanted` results reach. */
const reach = ({ kernel, strides, dilations, pads }: Window, wanted: Size): Size =>
  both((i) => (wanted[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - pads[i]);

/** Can the op produce only the first rows and columns, given only the first of its operands? */
function canCrop(node: Node): boolean {
  if (sizeOf({ node, output: 0 }) === null) return false;
  if (windowOf(node) !== null) return true;
  if (node.kind === "concat" || node.kind === "batchNorm") return node.attrs.axis === 3;
  if (!elementwise.has(node.kind)) return false;
  // Operands of lower rank broadcast; one with rows or columns would need slicing of its own.
  return node.inputs.every((input) => {
    const shape = shapeOf(input);
    return shape.length === 4 || shape.slice(0, -1).every((dim) => dim === 1);
  });
}

/** The size that a node which can crop needs of one of its inputs to produce `wanted`. */
function neededOf(node: Node, index: number, wanted: Size): Size | null {
  const full = sizeOf(node.inputs[index] as Value);
  if (full === null) return null;
  const window = windowOf(node);
  if (window === null) return both((i) => Math.min(full[i], wanted[i]));
  if (index > 0) return full;
  const reached = reach(window, wanted);
  return both((i) => Math.max(1, Math.min(full[i], reached[i])));
}

/** How many rows and columns of each image are read, directly or not, by the graph's results. */
function collectDemand(graph: Graph): ReadonlyMap<Node, Size> {
  const demand = new Map<Node, Size>();
  const ask = (value: Value, size: Size | null): void => {
    const known = demand.get(value.node) ?? [0, 0];
    if (size !== null)
      demand.set(
        value.node,
        both((i) => Math.max(known[i], size[i])),
      );
  };
  for (const { value } of graph.outputs) ask(value, sizeOf(value));
  for (const node of [...nodesOf(graph)].reverse()) {
    const wanted = demand.get(node);
    const cropping = wanted !== undefined && canCrop(node);
    node.inputs.forEach((input, i) => {
      ask(input, cropping ? neededOf(node, i, wanted) : sizeOf(input));
    });
  }
  return demand;
}

/** The first rows and columns of an image. */
function crop(b: Builder, value: Value, wanted: Size | null): Value {
  const size = sizeOf(value);
  if (size === null || wanted === null) return value;
  const cut = ([0, 1] as const).filter((i) => wanted[i] < size[i]);
  if (cut.length === 0) return value;
  return b.slice(value, {
    axes: cut.map((i) => spatialAxes[i]),
    starts: cut.map(() => 0),
    ends: cut.map((i) => wanted[i]),
  });
}

/** Attributes of a window op that produces `wanted` results from the first rows and columns. */
function croppedAttributes(node: Node, wanted: Size): Attributes {
  const window = windowOf(node);
  const full = sizeOf(node.inputs[0] as Value);
  if (window === null || full === null) return node.attrs;
  const reached = reach(window, wanted);
  const [bottom, right] = both((i) => Math.max(0, reached[i] - full[i]));
  return { ...node.attrs, pads: [window.pads[0], window.pads[1], bottom, right] };
}

function cropGraph(graph: Graph, demand: ReadonlyMap<Node, Size>): Graph {
  return rebuild(graph, ({ b, node, inputs }) => {
    const wanted = demand.get(node);
    const full = sizeOf({ node, output: 0 });
    const shrunk = node.inputs.some((old, i) => {
      const [before, after] = [sizeOf(old), sizeOf(inputs[i] as Value)];
      return before !== null && after !== null && !sameSize(before, after);
    });
    if (wanted === undefined || full === null || !canCrop(node)) return null;
    if (sameSize(wanted, full) && !shrunk) return null;
    const operands = inputs.map((input, i) => crop(b, input, neededOf(node, i, wanted)));
    return copyNode(b, { ...node, attrs: croppedAttributes(node, wanted) }, operands);
  });
}

export const cropUnused = definePass({
  name: "crop-unused",
  why: "Pools ignore rows and columns that do not fill a window; nobody needs to compute those.",
  run: (graph) => {
    const demand = collectDemand(graph);
    const smaller = [...demand].filter(([node, wanted]) => {
      const full = sizeOf({ node, output: 0 });
      return node.kind === "conv2d" && canCrop(node) && full !== null && !sameSize(full, wanted);
    });
    // Without a convolution that gets smaller, slicing would cost more than it saves.
    if (smaller.length === 0) return { graph, counts: {} };
    return { graph: cropGraph(graph, demand), counts: { "smaller convolutions": smaller.length } };
  },
});
