/**
 * @file How much work a node is, for `dlc inspect`: the usual count, two per multiply-add of a product or
 * convolution, one per element of anything else that computes, nothing for moving data.
 */
import { sizeOf } from "@dlc/runtime";
import { concreteShape } from "../ir/shape.js";
import { bodiesOf, nodesOf } from "../ir/traverse.js";
import { type Node, shapeOf } from "../ir/types.js";

/** Only rearrange, make or name values. */
const free: ReadonlySet<string> = new Set([
  "input",
  "state",
  "constant",
  "size",
  "cast",
  "stopGradient",
  "reshape",
  "transpose",
  "broadcastTo",
  "slice",
  "pad",
  "reverse",
  "concat",
  "gather",
  "oneHot",
  "resizeNearest",
]);

const sizes = (node: Node, input: number): number[] => {
  const value = node.inputs[input];
  return value === undefined ? [] : concreteShape(shapeOf(value), 1);
};
const outputs = (node: Node): number => sizeOf(concreteShape(node.types[0]?.shape ?? [], 1));

/** Taps that each output element of a convolution adds up: filter elements per output channel. */
const taps = (node: Node): number => sizeOf(sizes(node, 1).slice(1));

/** Products of a pooling window. */
const window = (node: Node): number => sizeOf(node.attrs.kernel as readonly number[]);

const counts: Readonly<Record<string, (node: Node) => number>> = {
  matmul: (node) => {
    const shape = sizes(node, 0);
    const inner = node.attrs.transposeA === true ? shape.at(-2) : shape.at(-1);
    return 2 * outputs(node) * (inner ?? 1);
  },
  conv2d: (node) => 2 * outputs(node) * taps(node),
  // Every element of dy meets every tap once.
  conv2dInputGrad: (node) => 2 * sizeOf(sizes(node, 0)) * taps(node),
  scan: (node) => {
    const [steps = 1] = sizes(node, Number(node.attrs.carries));
    const body = bodiesOf(node).flatMap(nodesOf);
    return steps * body.reduce((total, inner) => total + flopsOf(inner), 0);
  },
  maxPool2d: (node) => outputs(node) * window(node),
  avgPool2d: (node) => outputs(node) * window(node),
  sum: (node) => sizeOf(sizes(node, 0)),
  mean: (node) => sizeOf(sizes(node, 0)),
  max: (node) => sizeOf(sizes(node, 0)),
  min: (node) => sizeOf(sizes(node, 0)),
};

/** Floating-point operations of a node of a forward pass, for one example. */
export function flopsOf(node: Node): number {
  return free.has(node.kind) ? 0 : (counts[node.kind] ?? outputs)(node);
}
